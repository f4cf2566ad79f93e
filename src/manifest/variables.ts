/** `${NAME}`, `${NAME:-default}` and `$${` in the texts of a manifest. */
import { didYouMean } from './did-you-mean.ts'
import type { Finding, Path } from './finding.ts'

export type Env = Record<string, string | undefined>

const VARIABLE = /\$\$\{|\$\{([^}]*)(\}?)/g
const INSIDE = /^([A-Za-z_][A-Za-z0-9_]*)(?::-(.*))?$/s

/**
 * Replaces variables in every text of `data`. An empty variable counts as missing, as with the shell's `:-`.
 * Secrets (`token`) keep their text: `normalize.ts` reads them, so that no value of theirs is in the data.
 */
export function substitute<T>(data: T, env: Env): { data: T; findings: Finding[] } {
  const findings: Finding[] = []
  const walk = (value: unknown, path: Path): unknown => {
    if (typeof value === 'string') {
      const { text, problems } = expand(value, env)
      findings.push(...problems.map((problem) => ({ ...problem, path })))
      // `tokens: [{ env: NAME }]` names a variable without ${}.
      const isVariable = path[0] === 'tokens' && path.at(-1) === 'env'
      if (isVariable && !env[text] && problems.length === 0)
        findings.push({ ...missingVariable(text, env), path })
      return isSecret(path) ? value : text
    }
    if (Array.isArray(value)) return value.map((item, at) => walk(item, [...path, at]))
    if (typeof value !== 'object' || value === null) return value
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, walk(inner, [...path, key])]))
  }
  return { data: walk(data, []) as T, findings }
}

/** The one variable that a secret's text is made of, and its value where it has one; `undefined` for other texts. */
export function secretVariable(
  text: string,
  env: Env,
): { variable: string; value: string | undefined } | undefined {
  const [, inside = ''] = /^\s*\$\{([^}]*)\}\s*$/.exec(text) ?? []
  const [, variable, fallback] = INSIDE.exec(inside) ?? []
  return variable === undefined ? undefined : { variable, value: env[variable] || fallback }
}

/** A secret's place: its text must be a variable, and is never shown. */
export function isSecret(path: Path): boolean {
  return path.at(-1) === 'token'
}

export function missingVariable(name: string, env: Env): Omit<Finding, 'path'> {
  const meant = didYouMean(
    name,
    Object.keys(env).filter((known) => known !== name),
  )
  const isEmpty = env[name] === ''
  return {
    severity: 'error',
    code: 'manifest/missing-variable',
    message: `the environment variable ${name} is ${isEmpty ? 'empty' : 'not set'}`,
    hint:
      meant === undefined
        ? `set it: export ${name}=...`
        : `did you mean ${meant}? Otherwise set it: export ${name}=...`,
  }
}

function expand(text: string, env: Env): { text: string; problems: Omit<Finding, 'path'>[] } {
  const problems: Omit<Finding, 'path'>[] = []
  const expanded = text.replace(VARIABLE, (written: string, inside: string | undefined, brace: string) => {
    if (inside === undefined) return '${'
    const [, name, fallback] = brace === '}' ? (INSIDE.exec(inside) ?? []) : []
    if (name === undefined) {
      problems.push({
        severity: 'error',
        code: 'manifest/bad-variable',
        message: 'this is not a variable',
        hint: 'write ${NAME} or ${NAME:-default}; $${ stands for ${ itself',
        within: written,
      })
      return written
    }
    const value = env[name] || fallback
    if (value === undefined) problems.push({ ...missingVariable(name, env), within: written })
    return value ?? written
  })
  return { text: expanded, problems }
}
