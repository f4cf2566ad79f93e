import { parseDuration } from '../../core/units.ts'
import {
  QueryError,
  type Comparison,
  type Condition,
  type Literal,
  type Projection,
  type Select,
  type Show,
  type Source,
  type Statement,
} from './ast.ts'
import { tokenize, type Token, type TokenKind } from './tokens.ts'

/** Statements of InfluxQL that the cluster does not have, or the sandbox. */
const OTHER_STATEMENTS = new Set([
  'ALTER',
  'CREATE',
  'DELETE',
  'DROP',
  'EXPLAIN',
  'GRANT',
  'KILL',
  'REVOKE',
  'SET',
])
const COMPARISONS = new Set(['=', '!=', '<', '<=', '>', '>=', '=~', '!~'])

/** Parses `;`-separated statements. @throws QueryError, which answers the whole request with 400 */
export function parseQuery(query: string, parameters: Record<string, unknown> = {}, now = 0n): Statement[] {
  const parser = new Parser(tokenize(query), parameters, now)
  return parser.statements()
}

class Parser {
  private at = 0
  private readonly tokens: Token[]
  private readonly parameters: Record<string, unknown>
  private readonly now: bigint

  constructor(tokens: Token[], parameters: Record<string, unknown>, now: bigint) {
    this.tokens = tokens
    this.parameters = parameters
    this.now = now
  }

  statements(): Statement[] {
    const statements: Statement[] = []
    while (this.peek().kind !== 'end') {
      if (this.symbol(';')) continue
      statements.push(this.statement())
      if (this.peek().kind !== 'end') this.expectSymbol(';')
    }
    if (statements.length === 0) throw new QueryError('error parsing query: found EOF, expected SELECT, SHOW')
    return statements
  }

  private statement(): Statement {
    if (this.word('SELECT')) return this.select()
    if (this.word('SHOW')) return this.show()
    const names = this.tokens.slice(this.at, this.at + 2).map(({ text }) => text.toUpperCase())
    if (!OTHER_STATEMENTS.has(names[0] ?? '')) throw this.unexpected('SELECT, SHOW')
    throw new QueryError(`not supported: ${names.join(' ')}`)
  }

  private select(): Select {
    const projections = this.list(() => this.projection())
    if (this.word('INTO')) throw new QueryError('not supported: SELECT INTO')
    this.expectWord('FROM')
    const sources = this.list(() => this.source())
    const where = this.word('WHERE') ? this.condition() : undefined
    const groupBy: Select['groupBy'] = { all: false, tags: [], interval: undefined }
    let fill: Select['fill']
    if (this.word('GROUP')) {
      this.expectWord('BY')
      this.list(() => this.dimension(groupBy))
      if (this.word('FILL')) fill = this.fill()
    }
    let descending = false
    if (this.word('ORDER')) {
      this.expectWord('BY')
      if (this.identifier('time') !== 'time')
        throw new QueryError('error parsing query: only ORDER BY time supported at this time')
      descending = this.word('DESC')
      if (!descending) this.word('ASC')
    }
    const { limit, offset } = this.limits()
    for (const word of ['SLIMIT', 'SOFFSET', 'TZ'])
      if (this.word(word)) throw new QueryError(`not supported: ${word}`)
    return { kind: 'select', projections, sources, where, groupBy, fill, descending, limit, offset }
  }

  private projection(): Projection {
    const isCall = this.peek().kind === 'word' && this.peek(1).kind === 'symbol' && this.peek(1).text === '('
    const projection = isCall ? this.call() : this.plainProjection()
    if (this.word('AS')) projection.alias = this.identifier('alias')
    return projection
  }

  private call(): Projection {
    const call = this.advance().text.toLowerCase()
    this.expectSymbol('(')
    const inner = this.projection()
    this.expectSymbol(')')
    if (inner.call !== undefined && inner.call !== 'distinct')
      throw new QueryError(`not supported: ${call}(${inner.call}())`)
    return { ...inner, call, distinct: inner.distinct || inner.call === 'distinct' }
  }

  private plainProjection(): Projection {
    const distinct = this.word('DISTINCT')
    const name = this.symbol('*') ? '*' : this.identifier('field')
    return { call: undefined, distinct, name, cast: this.cast(), alias: undefined }
  }

  private cast(): string | undefined {
    return this.symbol('::') ? this.advance().text.toLowerCase() : undefined
  }

  private source(): Source {
    if (this.peek().text === '(') throw new QueryError('not supported: subqueries')
    const parts: (string | RegExp)[] = []
    for (;;) {
      if (this.peek().kind === 'regex') parts.push(regex(this.advance().text))
      else if (this.peek().text === '.' && this.peek().kind === 'symbol') parts.push('')
      else parts.push(this.identifier('measurement'))
      if (!this.symbol('.')) break
    }
    const measurement = parts.pop()
    const [retentionPolicy, database] = parts
      .reverse()
      .map((part) => (part === '' ? undefined : String(part)))
    if (measurement === undefined) throw this.unexpected('measurement')
    return { database, retentionPolicy, measurement }
  }

  private dimension(groupBy: Select['groupBy']): void {
    if (this.symbol('*')) groupBy.all = true
    else if (this.peek().text.toLowerCase() === 'time' && this.peek(1).text === '(') {
      this.at += 2
      groupBy.interval = this.duration()
      if (this.symbol(',')) throw new QueryError('not supported: an offset in GROUP BY time()')
      this.expectSymbol(')')
    } else if (this.peek().kind === 'regex')
      throw new QueryError('not supported: GROUP BY with a regular expression')
    else groupBy.tags.push(this.identifier('tag'))
  }

  private fill(): Select['fill'] {
    this.expectSymbol('(')
    const { kind, text } = this.advance()
    this.expectSymbol(')')
    if (kind === 'number') return { number: text }
    if (text === 'null' || text === 'none') return text
    throw new QueryError(`not supported: fill(${text})`)
  }

  private show(): Show {
    const what = this.shown()
    const show: Show = {
      kind: 'show',
      what,
      database: undefined,
      sources: [],
      keys: [],
      where: undefined,
      limit: undefined,
      offset: 0,
    }
    if (this.word('ON')) show.database = this.identifier('database')
    if (this.word('FROM')) show.sources = this.list(() => this.source())
    if (this.word('WITH')) show.keys = this.withClause(what)
    if (this.word('WHERE')) show.where = this.condition()
    return { ...show, ...this.limits() }
  }

  private shown(): Show['what'] {
    const shapes: [string[], Show['what']][] = [
      [['MEASUREMENTS'], 'measurements'],
      [['FIELD', 'KEYS'], 'field keys'],
      [['TAG', 'KEYS'], 'tag keys'],
      [['TAG', 'VALUES'], 'tag values'],
      [['RETENTION', 'POLICIES'], 'retention policies'],
    ]
    for (const [words, what] of shapes) {
      if (!words.every((word, i) => this.peek(i).text.toUpperCase() === word)) continue
      this.at += words.length
      if (this.peek().text.toUpperCase() === 'CARDINALITY') break
      return what
    }
    const rest = this.tokens.slice(this.at, this.at + 2).map(({ text }) => text.toUpperCase())
    throw new QueryError(`not supported: SHOW ${rest.join(' ').trim()}`)
  }

  private withClause(what: Show['what']): (string | RegExp)[] {
    this.expectWord(what === 'measurements' ? 'MEASUREMENT' : 'KEY')
    if (this.word('IN')) {
      this.expectSymbol('(')
      const keys = this.list(() => this.identifier('tag key'))
      this.expectSymbol(')')
      return keys
    }
    if (this.symbol('=~')) return [regex(this.expect('regex').text)]
    this.expectSymbol('=')
    return [this.identifier('name')]
  }

  private limits(): { limit: number | undefined; offset: number } {
    const limit = this.word('LIMIT') ? Number(this.expect('number').text) : 0
    const offset = this.word('OFFSET') ? Number(this.expect('number').text) : 0
    return { limit: limit === 0 ? undefined : limit, offset }
  }

  private condition(): Condition {
    let left = this.conjunction()
    while (this.word('OR')) left = { kind: 'or', left, right: this.conjunction() }
    return left
  }

  private conjunction(): Condition {
    let left = this.comparison()
    while (this.word('AND')) left = { kind: 'and', left, right: this.comparison() }
    return left
  }

  private comparison(): Condition {
    if (this.symbol('(')) {
      const inner = this.condition()
      this.expectSymbol(')')
      return inner
    }
    const key = this.identifier('tag or field')
    this.cast()
    const operator = this.advance()
    if (operator.kind !== 'symbol' || !COMPARISONS.has(operator.text))
      throw this.unexpected('an operator', -1)
    return { kind: 'compare', key, operator: operator.text as Comparison, value: this.literal() }
  }

  private literal(): Literal {
    const negative = this.symbol('-')
    const { kind, text } = this.advance()
    if (kind === 'number') return { kind: 'number', text: negative ? `-${text}` : text }
    if (kind === 'duration') return { kind: 'time', value: nanoseconds(text) * (negative ? -1n : 1n) }
    if (kind === 'string') return { kind: 'string', value: text }
    if (kind === 'regex') return { kind: 'regex', value: regex(text) }
    if (kind === 'symbol' && text === '$') return this.parameter()
    if (kind === 'word' && /^(true|false)$/i.test(text))
      return { kind: 'boolean', value: /^true$/i.test(text) }
    if (kind === 'word' && text.toLowerCase() === 'now') return this.nowExpression()
    throw this.unexpected('a value', -1)
  }

  private nowExpression(): Literal {
    this.expectSymbol('(')
    this.expectSymbol(')')
    let value = this.now
    for (;;) {
      if (this.symbol('-')) value -= this.duration()
      else if (this.symbol('+')) value += this.duration()
      else return { kind: 'time', value }
    }
  }

  private parameter(): Literal {
    const name = this.identifier('parameter')
    const value = this.parameters[name]
    if (typeof value === 'string') return { kind: 'string', value }
    if (typeof value === 'number') return { kind: 'number', text: String(value) }
    if (typeof value === 'boolean') return { kind: 'boolean', value }
    throw new QueryError(`error parsing query: missing parameter: ${name}`)
  }

  private duration(): bigint {
    return nanoseconds(this.expect('duration').text)
  }

  private list<T>(item: () => T): T[] {
    const items = [item()]
    while (this.symbol(',')) items.push(item())
    return items
  }

  private identifier(what: string): string {
    const { kind, text } = this.peek()
    if (kind !== 'word' && kind !== 'quoted') throw this.unexpected(what)
    this.at += 1
    return text
  }

  private peek(ahead = 0): Token {
    return this.tokens[this.at + ahead] ?? { kind: 'end', text: '' }
  }

  private advance(): Token {
    const token = this.peek()
    this.at += 1
    return token
  }

  private word(word: string): boolean {
    const { kind, text } = this.peek()
    if (kind !== 'word' || text.toUpperCase() !== word) return false
    this.at += 1
    return true
  }

  private symbol(symbol: string): boolean {
    const { kind, text } = this.peek()
    if (kind !== 'symbol' || text !== symbol) return false
    this.at += 1
    return true
  }

  private expect(kind: TokenKind): Token {
    if (this.peek().kind !== kind) throw this.unexpected(kind)
    return this.advance()
  }

  private expectWord(word: string): void {
    if (!this.word(word)) throw this.unexpected(word)
  }

  private expectSymbol(symbol: string): void {
    if (!this.symbol(symbol)) throw this.unexpected(symbol)
  }

  private unexpected(expected: string, back = 0): QueryError {
    const { kind, text } = this.peek(back)
    return new QueryError(`error parsing query: found ${kind === 'end' ? 'EOF' : text}, expected ${expected}`)
  }
}

function nanoseconds(text: string): bigint {
  const value = parseDuration(text.replace(/(\d)[uµ](?!s)/g, '$1us'))
  if (value === undefined) throw new QueryError(`error parsing query: invalid duration ${text}`)
  return value
}

function regex(source: string): RegExp {
  try {
    return new RegExp(source, 'u')
  } catch {
    throw new QueryError(`error parsing query: error parsing regexp: ${source}`)
  }
}
