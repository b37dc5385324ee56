// Loaded before anything else, and plain JavaScript, so that an old Node prints this and not a syntax error.
// 22.19 is what undici 8 needs; .ts files run unflagged since 22.18.
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)

if (major < 22 || (major === 22 && minor < 19)) {
  process.stderr.write(
    `memory-gateway needs Node 22.19 or newer; this is Node ${process.versions.node} at ${process.execPath}.\n` +
      'Install a current Node, or run it with the one that npm may have brought along: node_modules/.bin/node\n',
  )
  process.exit(1)
}
