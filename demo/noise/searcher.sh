#!/bin/sh
# SPDX-License-Identifier: MIT
# Somebody who looks for large files below /usr, without hurry.
cd /home/carol || exit 1
while :; do
	find /usr -xdev -type f -size +4096k > large.new
	mv large.new large.txt
	sleep 15
done
