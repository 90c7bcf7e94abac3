#!/bin/sh
# SPDX-License-Identifier: MIT
# Root's backup job. Its mode, 0777, is the victim's second mistake.
tar -C /srv/www -cf /var/backups/www.tar.new .
mv /var/backups/www.tar.new /var/backups/www.tar
