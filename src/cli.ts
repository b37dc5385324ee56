#!/usr/bin/env node
import './require-node.js'

// Everything else is loaded after the check: an old Node would fail to link it, in words that help nobody.
const { runCommand } = await import('./commands.ts')
process.exitCode = await runCommand(process.argv, process.env)
