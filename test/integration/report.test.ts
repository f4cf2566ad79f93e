/** The HTML report in a real browser, its pictures held against the model; and a run that is watched while it goes on. */
import { once } from 'node:events'
import { readFile, stat, writeFile } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Browser, Locator, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { reportAsHtml } from '../../src/report/html/page.ts'
import { makeReport } from '../../src/report/model.ts'
import { chromiumPath, startChromium } from '../rig/chromium.ts'
import { ferry, migrationOf } from '../rig/ferry.ts'
import { FerryProcess } from '../rig/ferry-process.ts'
import { openSandbox } from '../rig/open-sandbox.ts'
import { doneInput, EVIL, troubledInput } from '../rig/report-input.ts'
import { temporaryFolder } from '../rig/temporary-folder.ts'

const inCi = process.env.CI === 'true'

describe.skipIf(chromiumPath === undefined && !inCi)('the HTML report', () => {
  let browser: Browser
  beforeAll(async () => {
    browser = await startChromium()
  })
  afterAll(() => browser?.close())

  /** Opens it as a file; anything that the page asks the network for, or complains of, fails the test in the end. */
  async function open(text: string, look: { width?: number; dark?: boolean } = {}): Promise<Page> {
    const file = join(await temporaryFolder(), 'report.html')
    await writeFile(file, text)
    const page = await browser.newPage({
      viewport: { width: look.width ?? 1100, height: 900 },
      colorScheme: look.dark === true ? 'dark' : 'light',
      offline: true,
    })
    const wrong: string[] = []
    page.on('console', (message) => wrong.push(message.text()))
    page.on('pageerror', (error) => wrong.push(error.message))
    page.on('request', (request) => {
      if (!request.url().startsWith('file:')) wrong.push(request.url())
    })
    await page.goto(pathToFileURL(file).href)
    await page.waitForLoadState('networkidle')
    expect(wrong).toEqual([])
    return page
  }

  const attributes = async (locator: Locator, name: string) =>
    Promise.all((await locator.all()).map((one) => one.getAttribute(name)))
  const count = (page: Page, selector: string) => page.locator(selector).count()

  it('draws exactly what the model says: cells, bars, columns, each in its place and size', async () => {
    const report = makeReport(troubledInput())
    const page = await open(reportAsHtml(report))
    for (const { mapping, rows } of report.comparison?.maps ?? []) {
      const map = page.locator('table.map').and(page.locator(`[data-mapping="${mapping}"]`))
      const drawn = []
      for (const svg of await map.locator('td.cells svg').all())
        drawn.push(await attributes(svg.locator('rect'), 'class'))
      expect(drawn).toEqual(rows.map(({ cells }) => cells.map(({ outcome }) => outcome)))
    }
    const first = page.locator('table.map td.cells svg').first()
    const [svg, cell] = [await first.boundingBox(), await first.locator('rect').nth(3).boundingBox()]
    expect(((cell?.x ?? 0) - (svg?.x ?? 0)) / (svg?.width ?? 1)).toBeCloseTo(3 / 30, 2)
    // Each but the equal ones of a wide map has its symbol, so that colour is not all there is.
    expect(await count(page, 'td.cells text')).toBe(12 + 11)

    const tones = ['written', 'sending', 'exported', 'failed', 'pending'] as const
    for (const tone of tones) {
      const mappings = report.mappings.filter(({ totals }) => totals.slices[tone] > 0)
      expect(await count(page, `#moved svg.bar rect.${tone}`)).toBe(mappings.length)
    }
    const failed = page.locator('#moved svg.bar rect.failed')
    const whole = await page.locator('#moved svg.bar').last().boundingBox()
    expect(((await failed.boundingBox())?.width ?? 0) / (whole?.width ?? 1)).toBeCloseTo(1 / 12, 2)

    const phases = page.locator('#time svg.bar rect.phase')
    expect(await attributes(phases, 'width')).toEqual(['3.333%', '100%', '66.667%', '30%'])
    const rate = page.locator('#time svg.columns').last().locator('rect')
    expect(await attributes(rate, 'height')).toEqual(['30', '60', '120', '90', '0', '60'])
    const letters = page.locator('#refused svg.bar rect.letters')
    expect(await attributes(letters, 'width')).toEqual(['100%', '42.857%'])
    await page.close()
  })

  it('takes no name for markup', async () => {
    const page = await open(reportAsHtml(makeReport(troubledInput())))
    expect(await page.title()).toBe('plant: 1 slice failed, 71 of 75 slices are written')
    expect(await count(page, 'script, img')).toBe(0)
    expect(await page.locator('table.map tbody th').nth(2).textContent()).toBe(EVIL)
    await page.close()
  })

  it.each([360, 600, 1100])('is read without scrolling sideways at %d pixels', async (width) => {
    const page = await open(reportAsHtml(makeReport(troubledInput())), { width })
    await page.evaluate(`document.querySelectorAll('details').forEach((one) => one.setAttribute('open', ''))`)
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(width)
    for (const caption of await page.locator('caption').all())
      expect((await caption.boundingBox())?.height).toBeLessThan(120)
    await page.close()
  })

  it('has a light and a dark form, both with texts that can be read', async () => {
    const colors = await Promise.all(
      [false, true].map(async (dark) => {
        const page = await open(reportAsHtml(makeReport(troubledInput())), { dark })
        const found = await page.evaluate<{ paper: number[]; inks: number[][] }>(`(() => {
          const rgb = (text) => text.match(/[\\d.]+/g).slice(0, 3).map(Number)
          const texts = [...document.querySelectorAll('h1, h1 .mark, li, th, td, dt, dd, caption, summary, p')]
          return {
            paper: rgb(getComputedStyle(document.body).backgroundColor),
            inks: texts.map((one) => rgb(getComputedStyle(one).color)),
          }
        })()`)
        await page.close()
        return found
      }),
    )
    const [light, dark] = colors
    expect(luminance(light?.paper ?? [])).toBeGreaterThan(0.8)
    expect(luminance(dark?.paper ?? [])).toBeLessThan(0.05)
    for (const { paper, inks } of colors)
      for (const ink of inks) expect(contrast(ink, paper)).toBeGreaterThanOrEqual(4.5)
  })

  it('prints in black on white, with what is folded up on the screen', async () => {
    const page = await open(reportAsHtml(makeReport(troubledInput())), { dark: true })
    await page.emulateMedia({ media: 'print' })
    expect(await page.evaluate('getComputedStyle(document.body).backgroundColor')).toBe('rgb(255, 255, 255)')
    expect(await page.locator('details table').first().isVisible()).toBe(true)
    const pdf = await page.pdf({ format: 'A4' })
    expect(pdf.subarray(0, 5).toString()).toBe('%PDF-')
    await page.close()
  })

  it('has one heading of the first order, a caption for every table, and a name for every picture', async () => {
    const page = await open(reportAsHtml(makeReport(troubledInput())))
    expect(await count(page, 'h1')).toBe(1)
    expect(await count(page, 'table')).toBeGreaterThan(5)
    expect(await count(page, 'table:not(:has(> caption))')).toBe(0)
    expect(await count(page, 'svg:not([aria-label]):not([aria-hidden])')).toBe(0)
    const orders = await page.evaluate<number[]>(
      `[...document.querySelectorAll('h1, h2, h3')].map(({ tagName }) => Number(tagName[1]))`,
    )
    for (const [index, order] of orders.entries())
      expect(order - (orders[index - 1] ?? 0)).toBeLessThanOrEqual(1)
    await page.close()
  })

  it('says at the top that everything arrived', async () => {
    const page = await open(reportAsHtml(makeReport(doneInput())))
    expect(await page.locator('h1').textContent()).toBe('✓Everything arrived and was compared')
    expect(await count(page, '.verdict.good')).toBe(1)
    await page.close()
  })

  it('of the demo is small, opens by itself, and shows what was moved', async () => {
    const tmp = await temporaryFolder()
    const { stdout, exitCode } = await ferry(['demo', '--keep'], { env: { TMPDIR: tmp } })
    expect(exitCode).toBe(0)
    const file = /^The report: (.*report\.html)$/m.exec(stdout)?.[1] ?? ''
    expect((await stat(file)).size).toBeLessThan(300_000)
    const page = await open(await readFile(file, 'utf8'))
    const table = page.locator('#moved > table tbody tr')
    expect(await table.locator('td.number:nth-of-type(3)').allTextContents()).toEqual([
      '4,032',
      '168',
      '6,720',
      '168',
    ])
    expect(await page.locator('.sum').textContent()).toContain('42,960 points read = 42,672 in rows')
    expect(await page.locator('h1').textContent()).toBe('✓Everything arrived and was compared')
    expect(await count(page, 'td.cells rect')).toBe(6)
    expect(await count(page, 'td.cells rect.equal')).toBe(6)
    await page.close()
  })

  it('is live during a run, and keeps up with it', async () => {
    const sandbox = await openSandbox({ faults: ['delay:1500ms@1..8'] })
    const migration = await migrationOf(manifestOf(10), {})
    try {
      await writeFile(join(migration.folder, 'plant.lp'), linesOf(80))
      const process = startRun(migration.folder, sandbox, '--listen', '127.0.0.1:0')
      const url = await watchUrl(process)
      expect(await process.sees(({ type }) => type === 'progress')).toBe(true)
      const page = await browser.newPage()
      const wrong: string[] = []
      page.on('console', (message) => wrong.push(message.text()))
      await page.goto(url)
      const headline = () => page.locator('h1').textContent()
      expect(await headline()).toMatch(/^›Under way: \d+ of 2 slices written$/)
      expect(wrong).toEqual([])
      const before = await page.locator('footer').textContent()
      await expect.poll(() => page.locator('footer').textContent(), { timeout: 20_000 }).not.toBe(before)
      await process.ended
      await expect
        .poll(() => page.locator('#live').textContent(), { timeout: 20_000 })
        .toMatch(/The run is over/)
      await page.close()
    } finally {
      await migration.remove()
      await sandbox.close()
    }
  })
})

describe('run --listen', () => {
  it('tells Prometheus what the state says in the end, and is gone with the run', async () => {
    const sandbox = await openSandbox({ faults: ['503@2..3', 'delay:100ms@5..42'] })
    const migration = await migrationOf(manifestOf(5), {})
    try {
      await writeFile(join(migration.folder, 'plant.lp'), linesOf(200))
      const process = startRun(migration.folder, sandbox, '--listen', '127.0.0.1:0')
      const url = await watchUrl(process)
      let last = new Map<string, number>()
      let samples = 0
      let isOver = false
      void process.ended.then(() => (isOver = true))
      while (!isOver) {
        const answer = await fetch(`${url}/metrics`).catch(() => undefined)
        if (answer?.status === 200) {
          expect(answer.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/)
          const now = parseMetrics(await answer.text())
          for (const [name, value] of last)
            if (name.startsWith('influx_ferry_') && name.endsWith('_total'))
              expect(now.get(name)).toBeGreaterThanOrEqual(value)
          last = now
          samples += 1
        }
        await new Promise((resolve) => setTimeout(resolve, 20))
      }
      expect((await process.ended).exitCode).toBe(0)
      expect(samples).toBeGreaterThan(3)
      const { runs } = await migration.status()
      const { acknowledged, phases, rate } = runs.at(-1) ?? {}
      expect(acknowledged).toMatchObject({ rows: 200, refusedRows: 0 })
      expect(rate?.rows.reduce((sum, rows) => sum + rows, 0)).toBe(200)
      // The last look was a moment before the end.
      expect(last.get('influx_ferry_acknowledged_rows_total')).toBeGreaterThan(0)
      expect(last.get('influx_ferry_acknowledged_rows_total')).toBeLessThanOrEqual(200)
      expect(last.get('influx_ferry_retries_total')).toBe(2)
      expect(last.get('influx_ferry_lanes_allowed')).toBe(1)
      expect(last.get('influx_ferry_info{name="plant",environment="",version="0.1.0"}')).toBe(1)
      expect(last.get('influx_ferry_phase_seconds{phase="export"}')).toBe(
        phases?.find(({ phase }) => phase === 'export')?.seconds,
      )
      const slices = [...last].filter(([name]) => name.startsWith('influx_ferry_slices{'))
      expect(slices.reduce((sum, [, value]) => sum + value, 0)).toBe(2)
      // Events carry the same facts.
      const told = process.events.flatMap((event) =>
        event.type === 'progress' && event.phase === 'write' ? [event.acknowledged] : [],
      )
      expect(told.at(-1)).toEqual(acknowledged)
      const ends = process.events.flatMap((event) => (event.type === 'phase-done' ? [event] : []))
      expect(ends.map(({ phase, seconds }) => ({ phase, seconds }))).toEqual(
        phases?.map(({ phase, seconds }) => ({ phase, seconds })),
      )
      await expect(fetch(url)).rejects.toThrow()
    } finally {
      await migration.remove()
      await sandbox.close()
    }
  })

  it('does nothing when the port is in use', async () => {
    const other = createServer().listen(0, '127.0.0.1')
    await once(other, 'listening')
    const { port } = other.address() as AddressInfo
    const migration = await migrationOf(manifestOf(5), {})
    try {
      await writeFile(join(migration.folder, 'plant.lp'), linesOf(5))
      const { exitCode, stderr } = await migration.run('--listen', `127.0.0.1:${port}`)
      expect(exitCode).toBe(2)
      expect(stderr).toContain(`127.0.0.1:${port} is in use; nothing was done (listen/in-use)`)
    } finally {
      other.close()
      await migration.remove()
    }
  })
})

const manifestOf = (lines: number) => `
apiVersion: influx-ferry/v1
name: plant
sources:
  - { name: files, kind: line-protocol, files: [plant.lp] }
target:
  url: \${INFLUX_URL}
  admin: { kind: api, token: '\${INFLUX_MANAGEMENT_TOKEN}' }
  write: { concurrency: 1, batch: { lines: ${lines} } }
mappings:
  - { source: files, database: plant, retentionPolicy: '*', target: '{database}/{retentionPolicy}' }
`

/** Of two policies; `rows` in all. */
function linesOf(rows: number): string {
  const lines = Array.from({ length: rows }, (_, n) => [
    ...(n === 0 ? ['# CONTEXT-DATABASE:plant', '# CONTEXT-RETENTION-POLICY:autogen'] : []),
    ...(n === Math.floor(rows / 2) ? ['# CONTEXT-RETENTION-POLICY:weekly'] : []),
    `machine,line=L${n} temperature=${n}.5 ${1_709_510_400_000_000_000n + BigInt(n)}`,
  ])
  return `${lines.flat().join('\n')}\n`
}

function startRun(folder: string, sandbox: { url: string; managementToken: string }, ...flags: string[]) {
  const env = { INFLUX_URL: sandbox.url, INFLUX_MANAGEMENT_TOKEN: sandbox.managementToken }
  return new FerryProcess(['run', join(folder, 'manifest.yaml'), '--json', ...flags], { cwd: folder, env })
}

/** What the run says on standard error. */
async function watchUrl({ child }: FerryProcess): Promise<string> {
  let text = ''
  child.stderr?.on('data', (more: string) => (text += more))
  await expect.poll(() => text, { timeout: 30_000 }).toMatch(/\/metrics\n/)
  return /^watch: (http:\S+)\/ and /m.exec(text)?.[1] ?? ''
}

/** Prometheus's text format, line by line: every sample under its name and labels. */
function parseMetrics(text: string): Map<string, number> {
  const samples = new Map<string, number>()
  for (const line of text.trimEnd().split('\n')) {
    if (line === '' || /^# (HELP|TYPE) [a-z_:][a-z0-9_:]* /i.test(line)) continue
    const [, name, value] = /^([a-z_:][a-z0-9_:]*(?:\{[^}]*\})?) (\S+)$/i.exec(line) ?? []
    if (name === undefined) throw new Error(`no sample: ${line}`)
    samples.set(name, Number(value))
  }
  return samples
}

/** WCAG 2.1, relative luminance and contrast ratio. */
function luminance(rgb: readonly number[]): number {
  const [r = 0, g = 0, b = 0] = rgb.map((value) => {
    const part = value / 255
    return part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4
  })
  return 0.2126 * r + 0.7152 * g + 0.0722 * b
}

function contrast(ink: readonly number[], paper: readonly number[]): number {
  const [light, dark] = [luminance(ink), luminance(paper)].sort((a, b) => b - a)
  return ((light ?? 0) + 0.05) / ((dark ?? 0) + 0.05)
}
