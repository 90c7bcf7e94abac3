#!/bin/sh
# SPDX-License-Identifier: MIT
# A developer who builds a small project again and again.
cd /home/alice/project || exit 1
while :; do
	make -s clean
	make -s
	./report > report.txt
	sleep 3
done
