/** Rules about single values that stand in several places of a manifest. */
import { parseDuration } from '../core/units.ts'
import { error, showPath, type Finding, type Path } from './finding.ts'
import type { Secret } from './manifest.generated.ts'
import { secretVariable } from './variables.ts'

/** A command given as text is one program; a line with arguments is a list. */
export function* commandRules(command: string | string[] | undefined, path: Path): Generator<Finding> {
  if (typeof command === 'string' && /\s/.test(command.trim())) {
    const asList = `[${command.trim().split(/\s+/).join(', ')}]`
    yield error(
      'manifest/command-line',
      path,
      'a command with arguments must be a list',
      `write ${asList}; a program with a space in its path: ["${command}"]`,
    )
  }
  if (Array.isArray(command) && command[0]?.trim() === '')
    yield error('manifest/command-line', [...path, 0], 'the program is empty')
}

export function notASize(path: Path, value: string | number, example: string): Finding {
  return error(
    'manifest/not-a-size',
    path,
    `"${value}" is not a size`,
    `write a number and B, kB, MB, GB or MiB: ${example}`,
  )
}

export function* durationRules(value: string | undefined, path: Path, least: bigint): Generator<Finding> {
  if (value === undefined) return
  const duration = parseDuration(value)
  if (duration === undefined || /^inf/i.test(value))
    yield error(
      'manifest/not-a-duration',
      path,
      `"${value}" is not a duration`,
      'write a number and ms, s, m, h or d: 30s',
    )
  else if (duration < least)
    yield error('manifest/not-a-duration', path, `"${showPath(path)}" must be longer`)
}

/** A secret's text must be one variable; the message does not repeat what is there. */
export function* secretRules(secret: Secret | undefined, path: Path, variable: string): Generator<Finding> {
  if (typeof secret === 'object') yield* commandRules(secret.command, [...path, 'command'])
  if (typeof secret !== 'string' || secretVariable(secret, {}) !== undefined) return
  yield {
    ...error(
      'manifest/literal-secret',
      path,
      'a secret must not be written in the manifest',
      `write \${${variable}} and set that variable, or { file: path } or { command: [program] }`,
    ),
    at: 'key',
  }
}
