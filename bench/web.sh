#!/bin/sh
# SPDX-License-Identifier: MIT
# web.sh REQUESTS: in the network namespace that it was started in, and in the current directory, a
# web server and a client that asks it for one page REQUESTS times, eight at once.
set -eu

address=127.0.0.1:8080
ip link set lo up
head -c 3072 /dev/urandom | base64 >page.txt
cat >server.conf <<-END
	server.document-root = "$PWD"
	server.bind = "${address%:*}"
	server.port = ${address#*:}
	server.errorlog = "$PWD/server.log"
END

lighttpd -D -f server.conf &
server=$!
trap 'kill $server' EXIT

tries=0
until ab -q -n 1 "http://$address/page.txt" >/dev/null 2>&1; do
	tries=$((tries + 1))
	if [ $tries -gt 200 ]; then
		tail -n 1 server.log >&2
		exit 1
	fi
	sleep 0.05
done
ab -q -n "$1" -c 8 "http://$address/page.txt" >client.txt
grep -Eq '^Failed requests: +0$' client.txt
