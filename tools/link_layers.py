"""Gives each layer an include root of its own: BUILD/layers/NAME/NAME -> SOURCE/src/NAME.

Called by meson.build when it configures. A layer that does not depend on another has no include path to
it, so an upward include does not compile.
"""
import os
import sys

source, build, *layers = sys.argv[1:]
for layer in layers:
    root = os.path.join(build, "layers", layer)
    os.makedirs(root, exist_ok=True)
    link = os.path.join(root, layer)
    target = os.path.join(source, "src", layer)
    if os.path.islink(link) and os.readlink(link) == target:
        continue
    if os.path.islink(link):
        os.unlink(link)
    os.symlink(target, link)
