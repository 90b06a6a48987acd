"""Writes a folder's files into a C++ source: the table behind src/service/assets.hpp.

    embed.py OUTPUT DEPFILE [FOLDER [FUNCTION]]

Without a folder the table is empty. FUNCTION is the one that returns it. DEPFILE tells Ninja to run this again when a file changes, or comes or
goes. Files are string literals, which compilers read many times faster than lists of numbers.
"""
import os
import sys

CONTENT_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".json": "application/json",
    ".map": "application/json",
    ".txt": "text/plain; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".ico": "image/x-icon",
    ".webp": "image/webp",
    ".woff2": "font/woff2",
    ".wasm": "application/wasm",
}
BYTES_PER_LINE = 64

HEAD = """// Written by tools/embed.py.
#include "service/assets.hpp"

#include <array>
#include <cstddef>

namespace tickwire::service {
namespace {

// A literal of `size` bytes ends in one more, its zero.
template <std::size_t size>
std::span<const std::uint8_t> bytes_of(const char (&literal)[size]) noexcept {
    return {reinterpret_cast<const std::uint8_t*>(literal), size - 1};
}

"""


def main(output, depfile, folder=None, function="embedded_assets"):
    folders, files = walk(folder) if folder else ([], [])
    files = sorted(files)
    assets = sorted((path, index) for index, file in enumerate(files) for path in request_paths(folder, file))
    text = HEAD
    for index, file in enumerate(files):
        with open(file, "rb") as source:
            text += f"constexpr char file_{index}[] ={literal(source.read())};\n\n"
    text += f"}}  // namespace\n\nstd::span<const Asset> {function}() noexcept {{\n"
    text += f"    static const std::array<Asset, {len(assets)}> assets{{{{\n"
    for path, index in assets:
        text += f'        {{"{path}", "{content_type(files[index])}", bytes_of(file_{index})}},\n'
    text += "    }};\n    return assets;\n}\n\n}  // namespace tickwire::service\n"
    with open(output, "w", encoding="ascii") as target:
        target.write(text)
    with open(depfile, "w", encoding="utf-8") as target:
        inputs = [name.replace(" ", "\\ ") for name in folders + files]
        target.write(f"{output}: {' '.join(inputs)}\n")


def walk(folder):
    if not os.path.isdir(folder):
        sys.exit(f"embed.py: {folder}, which -Ddemo names, is not a folder")
    folders, files = [], []
    for at, _, names in os.walk(folder):
        folders.append(at)
        files += [os.path.join(at, name) for name in names]
    return folders, files


def request_paths(folder, file):
    """A folder's page is served with the slash at its end and without, as people type it; so it must name what
    it loads from the root on."""
    path = "/" + os.path.relpath(file, folder).replace(os.sep, "/")
    if not path.isascii() or not path.isprintable() or set(path) & set('"\\?#% '):
        sys.exit(f"embed.py: a request for {path} would need escapes; give the file a plainer name")
    if not path.endswith("/index.html"):
        return [path]
    folder_path = path.removesuffix("index.html")
    return [folder_path] if folder_path == "/" else [folder_path, folder_path.rstrip("/")]


def content_type(file):
    ending = os.path.splitext(file)[1]
    if ending not in CONTENT_TYPES:
        sys.exit(f"embed.py: no content type is known for {file}; add it to CONTENT_TYPES")
    return CONTENT_TYPES[ending]


def literal(data):
    lines = [data[at:at + BYTES_PER_LINE] for at in range(0, len(data), BYTES_PER_LINE)] or [b""]
    return "".join(f'\n    "{"".join(map(character, line))}"' for line in lines)


def character(byte):
    """Octal escapes end after three digits, so what follows is never read as part of one. A question mark is
    escaped because two of them begin a trigraph."""
    plain = 0x20 <= byte < 0x7F and chr(byte) not in '"\\?'
    return chr(byte) if plain else f"\\{byte:03o}"


if __name__ == "__main__":
    main(*sys.argv[1:])
