import { describe, expect, it } from 'vitest'
import { readRefusal } from '../../../src/cluster/refusal.ts'

function refusalOf(status: number, body: unknown = '', error?: string) {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  return readRefusal({ status, body: text, retryAfter: undefined, error })
}

function linesOf(status: number, body: unknown) {
  const refusal = refusalOf(status, body)
  return refusal?.kind === 'lines' ? Object.fromEntries(refusal.lines) : refusal
}

describe('lines that are named', () => {
  it('reads the list of parse errors', () => {
    const message =
      'failed to parse line protocol:\n  errors encountered on line(s):\n' +
      '  error parsing line 2 (1-based): Invalid measurement was provided\n' +
      "  error parsing line 4 (1-based): Unable to parse timestamp value '123461000000000000000000000000'"
    expect(linesOf(400, { code: 'invalid', line: 2, message })).toEqual({
      2: 'Invalid measurement was provided',
      4: "Unable to parse timestamp value '123461000000000000000000000000'",
    })
  })

  it.each([
    ["the tag 'x' is specified more than once with conflicting values"],
    ['the tag `x` is specified more than once with conflicting values'],
    ["the field 'x' is specified more than once with conflicting types"],
    ['input tag "time" on measurement "m" is invalid'],
    ['invalid field name: input field "time" on measurement "m" is invalid'],
    [
      'Unable to insert iox::column_type::field::integer type into column temp  with type iox::column_type::field::string',
    ],
  ])('reads a refused write: %s', (reason) => {
    const message = `failed to parse line protocol: error writing line 7: ${reason}`
    expect(linesOf(400, { code: 'invalid', message })).toEqual({ 7: reason })
  })

  it('reads partial writes, of 201 and of 400, with and without data written', () => {
    const list =
      'errors encountered on line(s):\n  error writing line 3: a\n  error parsing line 9 (1-based): b'
    expect(linesOf(201, { code: 'invalid', message: `partial write has occurred, ${list}` })).toEqual({
      3: 'a',
      9: 'b',
    })
    expect(linesOf(400, { code: 'invalid', message: `no data written, ${list}` })).toEqual({ 3: 'a', 9: 'b' })
  })

  it('reads an overflowing time', () => {
    const message = 'errors encountered on line(s): timestamp overflows i64 on line 12 (1-based)'
    expect(linesOf(400, { message })).toEqual({ 12: 'timestamp overflows i64' })
  })

  it('keeps a reason of several lines together, and the first of two reasons', () => {
    const message = 'error parsing line 1 (1-based): strange\n  and stranger\nerror writing line 1: again'
    expect(linesOf(400, { message })).toEqual({ 1: 'strange\n  and stranger' })
  })

  it('does not take data that looks like a message for one', () => {
    const message = "error parsing line 1 (1-based): bad value 'error parsing line 2 (1-based): x'"
    expect(linesOf(400, { message })).toEqual({ 1: "bad value 'error parsing line 2 (1-based): x'" })
  })

  it('reads a hundred lines, and what is left of an answer that was cut', () => {
    const messages = Array.from(
      { length: 100 },
      (_, index) => `error writing line ${index * 3 + 1}: "no" \\ way`,
    )
    const body = JSON.stringify({
      code: 'invalid',
      message: `errors encountered on line(s):\n${messages.join('\n')}`,
    })
    expect(Object.keys(linesOf(400, body) ?? {})).toHaveLength(100)
    const cut = linesOf(400, body.slice(0, 400)) as Record<number, string>
    expect(cut[1]).toBe('"no" \\ way')
    expect(Object.keys(cut).length).toBeGreaterThan(3)
  })
})

describe('batches refused as a whole', () => {
  it.each([
    ['dml handler error: schema conflict: column X is type A but write has type B'],
    [
      "dml handler error: service limit reached: couldn't create columns in table `t`; table contains 249 existing columns, applying this write would result in 251 columns, limit is 250",
    ],
    [
      "dml handler error: service limit reached: couldn't create new table; namespace contains 500 existing tables, applying this write would result in 501 tables, limit is 500",
    ],
    ["couldn't create column c in table 12; limit reached on namespace"],
    ['body content is not valid utf8: invalid utf-8 sequence of 1 bytes from index 5'],
  ])('%s', (message) => {
    expect(refusalOf(400, { code: 'invalid', message })).toEqual({
      kind: 'whole-batch',
      reason: message,
      suspect: undefined,
    })
  })

  it('names the suspect of an answer with a line field alone', () => {
    const message = 'partial write has occurred, errors encountered on line(s): no such luck'
    expect(refusalOf(400, { message, line: 5 })).toEqual({ kind: 'whole-batch', reason: message, suspect: 5 })
  })

  it.each([403, 422, 400])('takes retention for content, HTTP %i', (status) => {
    const message =
      'dml handler error: data in table t is outside of the retention period: minimum acceptable timestamp is 2023-01-01T00:00:00Z, but observed timestamp 2020-01-01T00:00:00Z is older.'
    expect(refusalOf(status, { code: 'forbidden', message })?.kind).toBe('whole-batch')
  })

  it("reads 1.x's error", () => {
    expect(refusalOf(400, { error: 'partial write: field type conflict dropped=1' })).toEqual({
      kind: 'whole-batch',
      reason: 'partial write: field type conflict dropped=1',
      suspect: undefined,
    })
  })

  it('takes a 201 that says nothing for what it is: some lines are missing', () => {
    expect(refusalOf(201)?.kind).toBe('whole-batch')
  })
})

const NGINX_413 =
  '<html>\r\n<head><title>413 Request Entity Too Large</title></head>\r\n<body>nginx</body>\r\n</html>'

describe('everything else', () => {
  it('takes 204 alone for success', () => {
    expect(refusalOf(204)).toBeUndefined()
    expect(refusalOf(200, '<html><title>Log in</title></html>')).toEqual({
      kind: 'fatal',
      reason: 'HTTP 200: Log in',
    })
  })

  it.each([
    [401, '', 'unauthorized', 'HTTP 401'],
    [401, { code: 'unauthorized', message: 'no' }, 'unauthorized', 'no'],
    [403, { code: 'forbidden', message: 'access denied' }, 'forbidden', 'access denied'],
    [404, { code: 'not found', message: 'database "x" not found' }, 'no-database', 'database "x" not found'],
    [
      404,
      { message: 'dml handler error: namespace [x] does not exist' },
      'no-database',
      'dml handler error: namespace [x] does not exist',
    ],
    [
      400,
      { message: 'rejecting write due to non-existing namespace: X' },
      'no-database',
      'rejecting write due to non-existing namespace: X',
    ],
    [404, { error: 'database not found: "x"' }, 'no-database', 'database not found: "x"'],
    [404, '404 page not found', 'fatal', '404 page not found'],
    [413, NGINX_413, 'too-large', '413 Request Entity Too Large'],
    [
      400,
      { code: 'invalid', message: 'max request size (52428800 bytes) exceeded' },
      'too-large',
      'max request size (52428800 bytes) exceeded',
    ],
    [415, { message: 'unacceptable content-encoding' }, 'fatal', 'HTTP 415: unacceptable content-encoding'],
    [400, { message: 'missing bucket value' }, 'fatal', 'missing bucket value'],
    [
      400,
      '<html><title>400 Bad Request</title></html>',
      'fatal',
      'HTTP 400, not from InfluxDB: 400 Bad Request',
    ],
    [400, '', 'fatal', 'HTTP 400, not from InfluxDB: HTTP 400'],
    [
      400,
      { message: 'error decoding gzip stream: corrupt' },
      'unknown-outcome',
      'error decoding gzip stream: corrupt',
    ],
    [429, '', 'overloaded', 'HTTP 429'],
    [
      503,
      { code: 'unavailable', message: 'this service is overloaded, please try again later' },
      'overloaded',
      'this service is overloaded, please try again later',
    ],
    [500, { code: 'internal error', message: 'oops' }, 'unknown-outcome', 'oops'],
    [502, '<html><title>502 Bad Gateway</title></html>', 'unknown-outcome', '502 Bad Gateway'],
    [504, '', 'unknown-outcome', 'HTTP 504'],
    [301, '', 'fatal', 'HTTP 301'],
  ])('HTTP %i %j is %s', (status, body, kind, reason) => {
    expect(refusalOf(status, body)).toEqual({ kind, reason })
  })

  it('does not know the outcome where no answer came', () => {
    expect(refusalOf(0, '', 'connect ECONNREFUSED')).toEqual({
      kind: 'unknown-outcome',
      reason: 'connect ECONNREFUSED',
    })
  })
})
