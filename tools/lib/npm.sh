# The npm packages of the TypeScript client: its type checker, its test runner's Node, the browser driver; and
# those of the servers that the relay is measured against. Nothing that the relay is made of. Sourced by tools/dev.

client=clients/typescript
declare -A node_folders=([npm]=$client [peers]=bench/peers)
# The `node` package brings the version that the tests are written for, whatever the machine has.
node=$root/$client/node_modules/.bin/node

# Debian's npm conflicts with the nodejs that other archives ship with an npm inside: what is on the PATH wins.
need_npm() {
    if ! command -v npm >/dev/null || ! command -v node >/dev/null; then need_packages npm; fi
}

# install_node_modules [FOLDER]: asks the network only where the lock file has changed since the last time.
install_node_modules() {
    local folder=${1:-$client}
    local stamp=$folder/node_modules/.installed-from
    if cmp -s "$folder/package-lock.json" "$stamp"; then return; fi
    need_npm
    logged npm npm --prefix "$folder" ci --no-audit --no-fund || return
    cp "$folder/package-lock.json" "$stamp"
}
