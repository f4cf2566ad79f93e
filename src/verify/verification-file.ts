/** The record of what was compared, beside the state: one JSON file, replaced as a whole. */
import { readFile } from 'node:fs/promises'
import type { ValidateFunction } from 'ajv/dist/2020.js'
import { Failure, reasonOf, systemCodeOf } from '../core/failure.ts'
import { writeFileAtomically } from '../io/atomic-file.ts'
import type { Verification } from './verification.generated.ts'
import validator from './verification-validator.generated.ts'

const validate = validator as ValidateFunction<Verification>

/** `manifest.state.json` has its record in `manifest.verification.json`. */
export function verificationPath(statePath: string): string {
  return `${statePath.replace(/(\.state)?\.json$/, '')}.verification.json`
}

/** @returns `undefined` when nothing was compared yet. @throws Failure `verification/unreadable`, `verification/damaged` */
export async function readVerification(path: string): Promise<Verification | undefined> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    if (systemCodeOf(error) === 'ENOENT') return undefined
    throw new Failure('verification/unreadable', `cannot read the verification: ${reasonOf(error)}`, {
      where: path,
      remedy: 'Make it readable for you.',
      cause: error,
    })
  }
  try {
    const content: unknown = JSON.parse(text)
    if (validate(content)) return content
  } catch {
    // Falls through to the one message for every kind of damage.
  }
  throw new Failure('verification/damaged', 'this is not a verification of this version, or it is damaged', {
    where: path,
    remedy: 'Remove it, and have it made again: influx-ferry verify.',
  })
}

/** @throws Failure `verification/unwritable` */
export async function writeVerification(path: string, verification: Verification): Promise<void> {
  try {
    await writeFileAtomically(path, `${JSON.stringify(verification, null, 1)}\n`)
  } catch (error) {
    throw new Failure('verification/unwritable', `cannot write the verification: ${reasonOf(error)}`, {
      where: path,
      remedy: 'Free the disk or mend the permissions and run again.',
      cause: error,
    })
  }
}
