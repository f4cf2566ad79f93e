// The bench's reader (read.mjs) in a few files, as bin/influx-ferry.js is. Returns the program to run.
import { join } from 'node:path'
import { rolldown } from 'rolldown'

const root = join(import.meta.dirname, '..')

export async function bundledReader() {
  const dir = join(root, 'dist/bench')
  const bundle = await rolldown({
    cwd: root,
    input: {
      'read.mjs': 'bench/read.mjs',
      'read-thread.mjs': 'bench/read-thread.mjs',
      'export-thread.js': 'dist/run/export-thread.js',
    },
    platform: 'node',
  })
  await bundle.write({ dir, format: 'esm', entryFileNames: '[name]', cleanDir: true })
  return join(dir, 'read.mjs')
}
