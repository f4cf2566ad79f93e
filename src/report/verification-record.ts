import { readFile } from 'node:fs/promises'
import { systemCodeOf } from '../core/failure.ts'
import type { Verification } from '../verify/verification.generated.ts'

/** `manifest.state.json` has its verification beside it, in `manifest.verification.json`. */
export function verificationPathOf(statePath: string): string {
  return `${statePath.replace(/(\.state)?\.json$/, '')}.verification.json`
}

/** The record of the last verification, `undefined` when there is none; or why it cannot be read. */
export async function readVerificationRecord(
  path: string,
): Promise<{ record: Verification | undefined; note?: string }> {
  try {
    const record = JSON.parse(await readFile(path, 'utf8')) as Verification
    if (record.format === 1 && Array.isArray(record.differences)) return { record }
  } catch (error) {
    if (systemCodeOf(error) === 'ENOENT') return { record: undefined }
  }
  return { record: undefined, note: `The record of the comparison cannot be read (${path}): compare again.` }
}
