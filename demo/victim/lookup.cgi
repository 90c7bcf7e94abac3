#!/bin/bash
# SPDX-License-Identifier: MIT
# A host look-up page with a command injection: what the visitor sends is evaluated by the shell.
query=${QUERY_STRING#host=}
query=${query//+/ }
printf -v host '%b' "${query//%/\\x}"

printf 'Content-Type: text/plain\r\n\r\n'
printf 'Addresses of %s:\n' "$host"
eval "getent hosts $host"
