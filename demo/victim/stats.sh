#!/bin/sh
# SPDX-License-Identifier: MIT
# The other cron job: innocent, and run by the same daemon in the same minute.
read -r load rest < /proc/loadavg
echo "$load" >> /var/lib/stats/load.txt
tail -n 100 /var/lib/stats/load.txt > /var/lib/stats/load.new
mv /var/lib/stats/load.new /var/lib/stats/load.txt
