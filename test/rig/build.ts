/** Before tests that run the executable: `dist/` is what `src/` says. */
import { execFileSync } from 'node:child_process'
import { readdirSync, statSync, utimesSync } from 'node:fs'
import { join } from 'node:path'

const root = join(import.meta.dirname, '../..')
const built = join(root, 'dist/.tsbuildinfo')

/** Builds unless nothing in `src/` is newer than the last build. Throws when it does not compile. */
export default function build(): void {
  if (newestIn(join(root, 'src')) < (statSync(built, { throwIfNoEntry: false })?.mtimeMs ?? 0)) return
  const now = new Date()
  const node = (...args: string[]) => execFileSync(process.execPath, args, { cwd: root, encoding: 'utf8' })
  try {
    node('node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json')
    node('scripts/bundle.mjs')
  } catch (error) {
    throw new Error(`src does not compile:\n${String((error as { stdout?: string }).stdout)}`, {
      cause: error,
    })
  }
  utimesSync(built, now, now) // tsc leaves it alone when nothing in it changes
}

function newestIn(folder: string): number {
  return Math.max(
    ...readdirSync(folder, { withFileTypes: true, recursive: true })
      .filter((entry) => entry.isFile())
      .map((entry) => statSync(join(entry.parentPath, entry.name)).mtimeMs),
  )
}
