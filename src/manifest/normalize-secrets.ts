/** How the cluster is administered and which tokens are asked for: the parts of a manifest with secrets in them. */
import type { Secret } from '../core/secret.ts'
import { describeSecret } from '../io/secrets.ts'
import type * as written from './manifest.generated.ts'
import type { Admin, TokenRequest } from './migration.ts'
import { resolveCommand, resolvePath, type Place } from './place.ts'
import { exactTarget } from './target-name.ts'
import { secretVariable } from './variables.ts'

export function normalizeAdmin(admin: written.Admin | undefined, place: Place): Admin {
  if (admin?.kind === 'none') return { kind: admin.kind }
  if (admin?.kind === 'api') return { kind: admin.kind, token: secretOf(admin.token, place) }
  const { command = 'influxctl', profile, config, token }: Partial<written.InfluxctlAdmin> = admin ?? {}
  return {
    kind: 'influxctl',
    command: resolveCommand(command, place),
    profile,
    config: config === undefined ? undefined : resolvePath(config, place),
    token: token === undefined ? undefined : secretOf(token, place),
  }
}

export function normalizeTokens(
  tokens: written.TokenRequest[],
  { name, mappings }: Pick<written.Manifest, 'name' | 'mappings'>,
  place: Place,
): TokenRequest[] {
  const targets = [...new Set(mappings.map(exactTarget).filter((target) => target !== undefined))]
  return tokens.map((token): TokenRequest => {
    const given = givenSecret(token, place)
    // What a given token may do is not ours to say; a created one reaches the targets and no more.
    const reach = given === undefined ? targets : ['*']
    const standard = given === undefined ? `influx-ferry ${name}` : `given by ${describeSecret(given)}`
    return {
      description: token.description ?? standard,
      read: token.read ?? reach,
      write: token.write ?? reach,
      expiresAt: token.expiresAt,
      given,
      keep: keepOf(token.keep, place),
    }
  })
}

function givenSecret({ env: variable, token }: written.TokenRequest, place: Place): Secret | undefined {
  if (variable !== undefined) return { kind: 'value', variable, value: place.env[variable] ?? '' }
  return token === undefined ? undefined : secretOf(token, place)
}

function secretOf(secret: written.Secret, place: Place): Secret {
  if (typeof secret === 'string') {
    const { variable = '', value = '' } = secretVariable(secret, place.env) ?? {}
    return { kind: 'value', value, variable }
  }
  if (secret.file !== undefined) return { kind: 'file', path: resolvePath(secret.file, place) }
  return { kind: 'command', command: resolveCommand(secret.command ?? [], place) }
}

function keepOf(keep: written.TokenRequest['keep'], place: Place): TokenRequest['keep'] {
  if (keep?.file !== undefined) return { kind: 'file', path: resolvePath(keep.file, place) }
  return keep?.command === undefined
    ? undefined
    : { kind: 'command', command: resolveCommand(keep.command, place) }
}
