#!/bin/sh
# SPDX-License-Identifier: MIT
# Somebody at an editor that saves as careful editors do: new file, flushed to disk, renamed.
cd /home/bob || exit 1
count=0
while :; do
	count=$((count + 1))
	printf 'a\nnote %s\n.\nw .notes.txt.new\nq\n' "$count" | ed -s notes.txt
	sync .notes.txt.new
	mv .notes.txt.new notes.txt
	sleep 0.5
done
