#!/usr/bin/env node
/**
 * influxctl as its documentation has it: flags, JSON, messages on stderr, exit code. Keeps its databases in the folder
 * given by `--state`, and writes down there how it was called and what its profile said.
 */
import { appendFileSync, existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const args = process.argv.slice(2)
const take = (flag) => {
  const at = args.indexOf(flag)
  return at === -1 ? undefined : args.splice(at, 2)[1]
}
const state = take('--state')
const mode = take('--mode') ?? ''
const called = [...args]
const config = take('--config')
take('--profile')

const cmdline = existsSync('/proc/self/cmdline')
  ? readFileSync('/proc/self/cmdline', 'utf8')
  : process.argv.join('\0')
const call = {
  args: called,
  cmdline,
  config: config && readFileSync(config, 'utf8'),
  mode: config && (statSync(config).mode & 0o777).toString(8),
  folderMode: config && (statSync(join(config, '..')).mode & 0o777).toString(8),
}
appendFileSync(join(state, 'calls.ndjson'), JSON.stringify(call) + '\n')

const fail = (message, code = 1) => {
  process.stderr.write(`${message}\n`)
  process.exit(code)
}
if (mode === 'unimplemented') fail('Error: rpc error: code = Unimplemented desc = unknown service')
if (mode === 'expired')
  fail(
    'warn: config is old\nError: rpc error: code = Unauthenticated desc = token expired: mgmt-very-secret',
    1,
  )
if (mode === 'garbled') {
  process.stdout.write('hello')
  process.exit(0)
}

const file = join(state, 'databases.json')
const databases = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : []
const command = args.splice(0, 2).join(' ')
switch (command) {
  case 'database list':
    process.stdout.write(
      mode === 'null'
        ? 'null\n'
        : (existsSync(join(state, 'list.json'))
            ? readFileSync(join(state, 'list.json'), 'utf8')
            : JSON.stringify(databases)) + '\n',
    )
    break
  case 'database create': {
    const retention = take('--retention-period')
    const tables = take('--max-tables')
    const columns = take('--max-columns')
    while (take('--template-tag')) continue
    while (take('--template-tag-bucket')) continue
    take('--template-timeformat')
    const name = args.filter((arg) => arg !== '--')[0]
    if (databases.some((database) => database.database_name === name))
      fail(
        `Error: rpc error: code = AlreadyExists desc = A namespace with the name \`${name}\` already exists`,
      )
    databases.push({
      account_id: 'a',
      cluster_id: 'c',
      id: 7,
      database_name: name,
      retention_period_ns: retention === '0s' ? 0 : Number.parseInt(retention, 10) * 86400e9,
      max_tables: Number(tables),
      max_columns_per_table: Number(columns),
    })
    writeFileSync(file, JSON.stringify(databases))
    break
  }
  case 'database update':
    break
  case 'token list':
    process.stdout.write(
      JSON.stringify([
        { account_id: 'a', cluster_id: 'c', id: 'id-1', description: 'other', permissions: {} },
      ]),
    )
    break
  case 'token create':
    process.stdout.write(readFileSync(join(state, 'token.txt'), 'utf8'))
    break
  default:
    fail(`Error: unknown command ${command}`)
}
