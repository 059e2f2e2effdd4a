#!/usr/bin/env bash
# Fetch CIFAR-10 (170 MB) and unpack it to cifar-10-batches-py/ in the current folder.
# A mirror may be named in CIFAR_URL, and the sum of what it holds, where that differs, in CIFAR_MD5.
set -euo pipefail

archive=cifar-10-python.tar.gz
folder=cifar-10-batches-py
url=${CIFAR_URL:-https://www.cs.toronto.edu/~kriz/$archive}
md5=${CIFAR_MD5:-c58f30108f718f92721af3b95e74349a}

# md5sum on Linux, md5 on macOS
sum() { (md5sum "$archive" 2>/dev/null || md5 -r "$archive" 2>/dev/null) | cut -d' ' -f1; }

if [ -d "$folder" ]; then
    echo "$folder is here already."
    exit 0
fi
if [ "$(sum)" != "$md5" ]; then # an archive that is whole needs no download, one that is cut is continued
    curl --fail --location --silent --show-error --continue-at - --output "$archive" "$url"
fi
if [ "$(sum)" != "$md5" ]; then
    echo "$archive is damaged: its md5 is $(sum), not $md5. Delete it and run this again." >&2
    exit 1
fi
# Unpacked aside first: a folder of this name is always whole.
aside=$(mktemp -d ./unpacking.XXXXXX)
trap 'rm -rf "$aside"' EXIT
tar xzf "$archive" -C "$aside"
mv "$aside/$folder" "$folder"
rm "$archive"
echo "CIFAR-10 is in $folder."
