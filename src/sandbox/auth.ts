/** Who may do what: database tokens read and write, the management token manages, and neither does the other's work. */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { HttpError } from './http-error.ts'
import type { Token } from './schema.ts'

export const hashOf = (secret: string) => createHash('sha256').update(secret).digest('hex')
export const newDatabaseToken = () => `apiv1_${randomBytes(64).toString('base64url')}`
export const newManagementToken = () => `apim_${randomBytes(32).toString('base64url')}`

/** The token of a request: `Bearer`, `Token` or `Basic` (its password), else the parameter `p` of the v1 API. */
export function tokenOf(request: IncomingMessage, password?: string | null): string | undefined {
  const { authorization } = request.headers
  if (authorization === undefined) return password ?? undefined
  const [, scheme, credentials = ''] = /^(Bearer|Token|Basic) (.+)$/.exec(authorization) ?? []
  if (scheme !== 'Basic') return scheme === undefined ? undefined : credentials.trim()
  const text = Buffer.from(credentials, 'base64').toString('utf8')
  return text.includes(':') ? text.slice(text.indexOf(':') + 1) : undefined
}

/** @throws HttpError 401 without an active token, 403 when it has no grant for `database` */
export function authorize(
  tokens: readonly Token[],
  secret: string | undefined,
  action: 'read' | 'write',
  database: string,
  { now, delay }: { now: number; delay: number },
): void {
  if (secret === undefined || secret === '') throw new HttpError(401, 'no credentials in the request')
  const hash = hashOf(secret)
  const token = tokens.find((candidate) => candidate.hash === hash)
  const active =
    token !== undefined &&
    token.revokedAt === undefined &&
    (token.expiresAt === undefined || token.expiresAt > now) &&
    token.createdAt + delay <= now
  if (!active) throw new HttpError(401, 'unauthorized access')
  const granted = token.permissions.some(
    (grant) => grant.action === action && (grant.resource === '*' || grant.resource === database),
  )
  if (!granted) throw new HttpError(403, `the token has no ${action} access to database "${database}"`)
}

/** @throws HttpError 401 */
export function authorizeManagement(managementToken: string, request: IncomingMessage): void {
  const given = Buffer.from(hashOf(tokenOf(request) ?? ''))
  if (!timingSafeEqual(given, Buffer.from(hashOf(managementToken))))
    throw new HttpError(401, 'unauthorized: a management token is needed')
}
