#!/usr/bin/env bash
# The migration as InfluxData's documentation describes it, by hand: export everything, create the database (done by the
# caller), cut the file into batches of 10,000 lines, gzip each and POST it to /write.
#
#   recipe.sh INFLUX_INSPECT DATA_DIR WAL_DIR DATABASE RETENTION_POLICY URL WORK_DIR
set -euo pipefail
influx_inspect=$1 data=$2 wal=$3 database=$4 policy=$5 work=$7
export URL="$6/write?db=$database&precision=ns"

"$influx_inspect" export -compress -datadir "$data" -waldir "$wal" -database "$database" -retention "$policy" \
  -out "$work/export.lp.gz" >/dev/null

# 1.6 has no -lponly: leave the comments and CREATE statements out. (No string of the bench's data holds a newline; with
# such strings neither this nor split would do.)
post() {
  curl --silent --show-error --fail --output /dev/null --request POST "$URL" \
    --header 'Content-Encoding: gzip' --header 'Content-Type: text/plain; charset=utf-8' --data-binary @-
}
export -f post
zcat "$work/export.lp.gz" | grep -v -e '^#' -e '^CREATE ' | SHELL=/bin/bash split --lines=10000 --filter='gzip | post' - batch-
