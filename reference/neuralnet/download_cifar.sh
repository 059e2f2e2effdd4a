#!/usr/bin/env bash
# Fetch CIFAR-10 (170 MB) and unpack it to cifar-10-batches-py/ in the current folder.
set -euo pipefail

archive=cifar-10-python.tar.gz
md5=c58f30108f718f92721af3b95e74349a
url=${CIFAR_URL:-https://www.cs.toronto.edu/~kriz/$archive}  # a mirror may be named in CIFAR_URL

if [ -d cifar-10-batches-py ]; then
    echo "cifar-10-batches-py is here already."
    exit 0
fi
curl --fail --location --silent --show-error --continue-at - --output "$archive" "$url"
# md5sum on Linux, md5 on macOS
sum=$( (md5sum "$archive" 2>/dev/null || md5 -r "$archive") | cut -d' ' -f1)
if [ "$sum" != "$md5" ]; then
    echo "$archive is damaged: its md5 is $sum, not $md5. Delete it and run this again." >&2
    exit 1
fi
tar xzf "$archive"
rm "$archive"
echo "CIFAR-10 is in cifar-10-batches-py."
