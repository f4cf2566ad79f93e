/** Rules about the cluster's address, how it is administered and how it is written to. */
import { parseBytes, parseRate } from '../core/units.ts'
import { error, type Finding } from './finding.ts'
import type { Manifest, Target } from './manifest.generated.ts'
import { commandRules, durationRules, notASize, secretRules } from './rules-value.ts'

/** The largest body a cluster takes, before and after gzip: 50 MiB (InfluxDB Clustered since 20231115). */
const MAX_BODY = 52_428_800

export function* targetRules({ target = {} }: Manifest, environments: string[]): Generator<Finding> {
  yield* urlRules(target, environments)
  yield* adminRules(target)
  yield* writeRules(target)
}

function* urlRules({ url, tls }: Target, environments: string[]): Generator<Finding> {
  if (url === undefined) {
    const hint =
      environments.length > 0
        ? `choose an environment: --env ${environments.join(' or --env ')}`
        : 'write target: { url: https://cluster.example.com }'
    yield error('target/no-url', ['target'], '"target.url" is missing', hint)
    return
  }
  const path = ['target', 'url']
  const parsed = URL.canParse(url) ? new URL(url) : undefined
  if (parsed === undefined || !['http:', 'https:'].includes(parsed.protocol)) {
    yield error(
      'target/bad-url',
      path,
      'the target must be an http or https address',
      'Example: https://cluster.example.com',
    )
    return
  }
  if (parsed.username !== '' || parsed.password !== '')
    yield {
      ...error(
        'target/bad-url',
        path,
        'user and password do not belong in the address',
        'the cluster takes tokens only; see "tokens"',
      ),
      at: 'key',
    }
  if (parsed.search !== '' || parsed.hash !== '')
    yield error(
      'target/bad-url',
      path,
      'the address of the cluster ends before "?" and "#"',
      `write ${parsed.origin}${parsed.pathname}`,
    )
  if (parsed.protocol === 'http:' && !isLoopback(parsed.hostname))
    yield warning(
      'target/unencrypted',
      path,
      'tokens and data go over the network unencrypted',
      `write https://${parsed.host}`,
    )
  if (parsed.protocol === 'https:' && tls?.insecure === true)
    yield warning(
      'target/unchecked-certificate',
      ['target', 'tls', 'insecure'],
      'the certificate is not checked: anyone on the way can read the token',
      'write tls: { ca: file.pem } with the certificate of your authority',
    )
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host.endsWith('.localhost') || host === '[::1]' || /^127\./.test(host)
}

function* adminRules({ admin }: Target): Generator<Finding> {
  if (admin === undefined || admin.kind === 'none') return
  const path = ['target', 'admin']
  yield* secretRules(admin.token, [...path, 'token'], 'INFLUX_MANAGEMENT_TOKEN')
  if (admin.kind !== 'influxctl') return
  yield* commandRules(admin.command, [...path, 'command'])
  for (const key of ['profile', 'config'] as const) {
    if (admin.token !== undefined && admin[key] !== undefined)
      yield error(
        'target/two-logins',
        [...path, key],
        `"${key}" and "token" exclude each other`,
        'a token is used with a temporary profile; keep one of the two',
      )
  }
}

function* writeRules({ write = {} }: Target): Generator<Finding> {
  const path = ['target', 'write']
  yield* durationRules(write.timeout, [...path, 'timeout'], 1_000_000n)
  yield* durationRules(write.tokenActivation, [...path, 'tokenActivation'], 0n)
  if (write.limit !== undefined && !((parseRate(write.limit) ?? 0) > 0))
    yield error(
      'manifest/not-a-rate',
      [...path, 'limit'],
      `"${write.limit}" is not a rate`,
      'write a size a second: 20MB/s',
    )
  const size = write.batch?.bytes
  if (size === undefined) return
  const bytes = parseBytes(String(size))
  if (bytes === undefined || bytes === 0) yield notASize([...path, 'batch', 'bytes'], size, '10MB')
  else if (bytes > MAX_BODY)
    yield error(
      'target/batch-too-large',
      [...path, 'batch', 'bytes'],
      'the cluster refuses requests of more than 50 MiB',
      'InfluxData advises 10MB',
    )
}

function warning(code: string, path: Finding['path'], message: string, hint: string): Finding {
  return { severity: 'warning', code, message, path, hint }
}
