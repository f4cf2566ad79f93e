/** Rules about tokens: given or created, and what they reach. */
import { parseRfc3339 } from '../core/time.ts'
import { didYouMean } from './did-you-mean.ts'
import { error, type Finding, type Path } from './finding.ts'
import type { Manifest, TokenRequest } from './manifest.generated.ts'
import { commandRules, secretRules } from './rules-value.ts'
import { couldBeTarget, exactTarget } from './target-name.ts'

export function* tokenRules(manifest: Manifest): Generator<Finding> {
  const { tokens = [], target } = manifest
  if (target?.admin?.kind === 'none' && !tokens.some(isGiven))
    yield error(
      'token/none-given',
      ['target', 'admin', 'kind'],
      'with "kind: none" no token is created, and none is given',
      'add tokens: [{ env: INFLUX_TOKEN }]',
    )
  for (const [at, token] of tokens.entries()) {
    const path: Path = ['tokens', at]
    yield* secretRules(token.token, [...path, 'token'], 'INFLUX_TOKEN')
    yield* commandRules(token.keep?.command, [...path, 'keep', 'command'])
    yield* isGiven(token) ? givenRules(token, path) : createdRules(token, manifest, path)
    for (const access of ['read', 'write'] as const)
      yield* databaseRules(token[access] ?? [], manifest, [...path, access])
    if (
      descriptionOf(token) !== undefined &&
      tokens.findIndex((other) => descriptionOf(other) === descriptionOf(token)) < at
    )
      yield error(
        'token/duplicate-description',
        [...path, 'description'],
        'another token has this description: they could not be told apart',
        'write another description',
      )
  }
}

function isGiven({ env, token }: TokenRequest): boolean {
  return env !== undefined || token !== undefined
}

function descriptionOf(token: TokenRequest): string | undefined {
  return isGiven(token) ? token.description : (token.description ?? '')
}

function* givenRules(token: TokenRequest, path: Path): Generator<Finding> {
  if (token.env !== undefined && token.token !== undefined)
    yield error(
      'token/two-given',
      [...path, 'env'],
      '"env" and "token" both give a token',
      'keep one of them',
    )
  for (const key of ['expiresAt', 'keep'] as const) {
    if (token[key] !== undefined)
      yield error(
        'token/not-created',
        [...path, key],
        `"${key}" is for tokens that are created, this one is given`,
        `remove "${key}"`,
      )
  }
}

function* createdRules(token: TokenRequest, { mappings }: Manifest, path: Path): Generator<Finding> {
  if (token.expiresAt !== undefined && parseRfc3339(token.expiresAt) === undefined)
    yield error(
      'time-range/not-a-time',
      [...path, 'expiresAt'],
      `"${token.expiresAt}" is not an RFC 3339 time`,
      'write date, time and zone: 2030-01-31T00:00:00Z',
    )
  const unknown = mappings.some((mapping) => exactTarget(mapping) === undefined)
  for (const access of ['read', 'write'] as const) {
    if (unknown && token[access] === undefined)
      yield error(
        'token/missing-databases',
        path,
        `"tokens[${path[1]}]" needs the key "${access}": with wildcards the target databases are not known here`,
        `write ${access}: [plant/autogen] or ${access}: ["*"] for every database of the cluster`,
      )
  }
}

function* databaseRules(names: string[], { mappings }: Manifest, path: Path): Generator<Finding> {
  for (const [at, name] of names.entries()) {
    if (name === '*' || mappings.some((mapping) => couldBeTarget(name, mapping))) continue
    const targets = mappings.map(exactTarget).filter((target) => target !== undefined)
    const meant = didYouMean(name, targets)
    const hint =
      meant !== undefined
        ? `did you mean "${meant}"?`
        : targets.length > 0
          ? `targets: ${targets.join(', ')}`
          : undefined
    yield error('token/unknown-database', [...path, at], `no mapping has the target "${name}"`, hint)
  }
}
