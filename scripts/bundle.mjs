// Writes dist/bundle/, which bin/influx-ferry.js runs: dist/ and the packages it needs in a few files, because to find and read
// some four hundred takes longer than what many a command does.
import { join } from 'node:path'
import { rolldown } from 'rolldown'

const root = join(import.meta.dirname, '..')
const bundle = await rolldown({
  cwd: root,
  // A thread is started by the name of its file (src/run/export-threads.ts).
  input: { main: 'dist/cli/main.js', 'export-thread': 'dist/run/export-thread.js' },
  platform: 'node',
  // Has a program of its own, and may be missing.
  external: ['@duckdb/node-api'],
})
await bundle.write({ dir: 'dist/bundle', format: 'esm', cleanDir: true })
