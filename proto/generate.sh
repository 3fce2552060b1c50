#!/usr/bin/env bash
# Generates the Swift messages of Sources/EnvdAPI/Generated from the .proto files here.
#
#   proto/generate.sh            generates
#   proto/generate.sh --check    generates aside and fails when the committed code differs
#   proto/generate.sh --verify   fails when a .proto or a generated file changed without the other;
#                                compares checksums only, and takes no time
set -euo pipefail
shopt -s inherit_errexit

# The generated code changes with this version and with nothing else.
swift_protobuf_version=1.39.0

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"
generated=Sources/EnvdAPI/Generated
sums=proto/generated.sha256

protos() {
    find proto -name '*.proto' | LC_ALL=C sort
}

# The checksums of all .proto files and of all files generated from them.
checksums() {
    { protos; find "$generated" -name '*.pb.swift' | LC_ALL=C sort; } | xargs sha256sum
}

verify() {
    if ! diff -u "$sums" <(checksums); then
        echo "The generated code is not what the .proto files make: run proto/generate.sh." >&2
        exit 1
    fi
}

# Builds the plugin, once for each version, and prints where it is.
plugin() {
    local source=.build/swift-protobuf-$swift_protobuf_version
    if [[ ! -d $source ]]; then
        git clone --quiet --depth 1 --branch "$swift_protobuf_version" -c advice.detachedHead=false \
            https://github.com/apple/swift-protobuf "$source.new" >&2
        mv "$source.new" "$source"
    fi
    local built=$source/.build/release/protoc-gen-swift
    if [[ ! -x $built ]]; then
        swift build -c release --package-path "$source" --product protoc-gen-swift >&2
    fi
    echo "$built"
}

# Generates into the directory $1.
generate() {
    local plugin
    plugin=$(plugin)
    protos | xargs protoc --proto_path=proto --plugin="$plugin" --swift_out="$1" \
        --swift_opt=Visibility=Package \
        --swift_opt=UseAccessLevelOnImports=true \
        --swift_opt=FileNaming=PathToUnderscores
}

require_protoc() {
    if ! command -v protoc >/dev/null; then
        echo "protoc is missing: apt-get install protobuf-compiler" >&2
        exit 1
    fi
}

case ${1-} in
    '')
        require_protoc
        mkdir -p "$generated"
        find "$generated" -name '*.pb.swift' -delete
        generate "$generated"
        checksums >"$sums"
        ;;
    --check)
        require_protoc
        aside=$(mktemp -d)
        trap 'rm -rf "$aside"' EXIT
        generate "$aside"
        diff -ru "$generated" "$aside"
        verify
        ;;
    --verify)
        verify
        ;;
    *)
        sed -n '2,/^set/s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2
        exit 2
        ;;
esac
