/** Turning a manifest's secret reference into the secret, as late as possible. */
import { readFile } from 'node:fs/promises'
import { Failure, ExitCode, reasonOf } from '../core/failure.ts'
import type { Secret } from '../core/secret.ts'
import { runToEnd } from './process.ts'

/** @throws Failure `secret/...` naming where the secret should have come from, never its value. */
export async function resolveSecret(secret: Secret, signal: AbortSignal): Promise<string> {
  const value = (await read(secret, signal)).trim()
  if (value === '') {
    throw new Failure('secret/empty', `the secret from ${describeSecret(secret)} is empty`, {
      exit: ExitCode.manifest,
    })
  }
  return value
}

/** `the variable X`, `the file /run/token`, `the command vault`: safe to print. */
export function describeSecret(secret: Secret): string {
  switch (secret.kind) {
    case 'value':
      return `the variable ${secret.variable}`
    case 'file':
      return `the file ${secret.path}`
    case 'command':
      return `the command ${secret.command[0] ?? ''}`
  }
}

async function read(secret: Secret, signal: AbortSignal): Promise<string> {
  switch (secret.kind) {
    case 'value':
      return secret.value
    case 'file':
      try {
        return await readFile(secret.path, 'utf8')
      } catch (error) {
        throw new Failure('secret/unreadable', `cannot read ${describeSecret(secret)}: ${reasonOf(error)}`, {
          exit: ExitCode.manifest,
          cause: error,
        })
      }
    case 'command': {
      const { exitCode, stdout } = await runToEnd(secret.command, [], { signal, timeout: 60_000 })
      if (exitCode !== 0) {
        throw new Failure(
          'secret/command-failed',
          `${describeSecret(secret)} ended with exit code ${exitCode}`,
          {
            exit: ExitCode.manifest,
          },
        )
      }
      return stdout
    }
  }
}
