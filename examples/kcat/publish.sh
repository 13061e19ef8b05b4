#!/bin/sh
# What a model served, from a shell: a model, two rows of it, their labels. publish.sh [BROKER]
set -eu
broker="${1:-127.0.0.1:9092}"
now="$(date +%s)"
id="$(date +%s%N)"

publish() { # id, type, data
  printf '{"specversion":"1.0","id":"%s","source":"/shell","type":"homeostat.%s.v1","data":%s}\n' "$id-$1" "$2" "$3" |
    kcat -P -b "$broker" -t homeostat.telemetry -k shell/doubler
}

publish 1 model.registered '{"family":"doublers","kind":"regressor","champion":"v1","features":[{"name":"x"}]}'
publish 2 samples.observed "{\"version\":\"v1\",\"request\":[\"$id-a\",\"$id-b\"],\"time\":[$now,$now],\"prediction\":[2,4],\"features\":{\"x\":[1,2]}}"
publish 3 labels.observed "{\"request\":[\"$id-a\",\"$id-b\"],\"label\":[2,5],\"time\":[$now,$now]}"
echo "published; look: homeostat why shell/doubler"
