#!/bin/sh
# SPDX-License-Identifier: MIT
# A visitor of the web site: pages, a style sheet, and the look-up script with harmless input.
# usage: customer.sh OWN_ADDRESS SERVER
while :; do
	for path in / /style.css "/cgi-bin/lookup.cgi?host=localhost" /about.html \
		"/cgi-bin/lookup.cgi?host=www"; do
		curl -q -s -o /dev/null --max-time 5 --interface "$1" "http://$2$path"
		sleep 1
	done
done
