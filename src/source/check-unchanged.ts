import { stat } from 'node:fs/promises'
import type { CatalogFile } from './catalog.ts'

/** The first file that changed (size, modification time) or vanished since the catalog was read. */
export async function checkUnchanged(files: readonly CatalogFile[]): Promise<CatalogFile | undefined> {
  for (const file of files) {
    const now = await stat(file.path, { bigint: true }).catch(() => undefined)
    if (now === undefined || now.size !== BigInt(file.bytes) || now.mtimeNs !== file.modified) return file
  }
  return undefined
}
