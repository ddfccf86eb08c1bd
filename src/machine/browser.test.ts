import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { beforeAll, describe, expect, it } from 'vitest';
import { encodeTarget } from '../target/codec.js';
import { LINUX_PARTS } from '../target/linux-target.js';
import { bundledParts } from '../target/node/bundled.js';
import { deflateCompressor } from '../target/node/index.js';

const HELLO = fileURLToPath(new URL('../../tests/modules/hello.ko', import.meta.url));
/** Where Debian and others have it. */
const BROWSERS = ['chromium', 'chromium-browser', 'google-chrome'];
const PATIENCE_MS = 90_000;

/** The library, bundled as for a browser: an import of Node would fail here. */
async function library(): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL('../portable.ts', import.meta.url))],
    bundle: true,
    write: false,
    platform: 'browser',
    format: 'iife',
    globalName: 'modbox',
    logLevel: 'silent',
  });
  return outputFiles[0].text;
}

/** What a page's worker does: boots the target, loads a module, reads its log, removes it. */
const WORK = `
  const bytes = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  try {
    const machine = modbox.Machine.boot({ target: modbox.readStoredTarget(bytes(TARGET)) });
    machine.insmod(bytes(HELLO), 'whom=browser');
    const loaded = machine.lsmod().map(({ name }) => name);
    machine.rmmod('hello');
    postMessage(JSON.stringify({
      loaded,
      left: machine.lsmod().length,
      log: machine.dmesg().map(({ text }) => text).filter((text) => /^hello: .*(Hello|sum|Goodbye)/.test(text)),
      node: typeof process + typeof require + typeof Buffer,
    }));
  } catch (error) {
    postMessage(JSON.stringify({ error: String(error && error.stack || error) }));
  }`;

function browser(): string | undefined {
  return BROWSERS.find((name) => {
    try {
      execFileSync(name, ['--version'], { stdio: 'ignore' });
      return true;
    } catch {
      return false;
    }
  });
}

/** A page whose text becomes what its worker posts. */
function page(script: string): string {
  const source = Buffer.from(script).toString('base64');
  return `<!doctype html><meta charset="utf-8"><pre id="out">nothing yet</pre><script>
    const code = new TextDecoder().decode(Uint8Array.from(atob('${source}'), (c) => c.charCodeAt(0)));
    const worker = new Worker(URL.createObjectURL(new Blob([code], { type: 'text/javascript' })));
    worker.onmessage = ({ data }) => { document.getElementById('out').textContent = data; };
    worker.onerror = ({ message }) => { document.getElementById('out').textContent = JSON.stringify({ error: message }); };
  </script>`;
}

function textShownBy(name: string, html: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'modbox-browser-'));
  try {
    const file = join(folder, 'page.html');
    writeFileSync(file, html);
    const flags = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'];
    const shown = execFileSync(
      name,
      [
        ...flags,
        `--user-data-dir=${folder}/profile`,
        '--virtual-time-budget=60000',
        '--dump-dom',
        `file://${file}`,
      ],
      { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'], timeout: PATIENCE_MS, maxBuffer: 2 ** 28 },
    );
    return /<pre id="out">(.*?)<\/pre>/s.exec(shown)?.[1] ?? '';
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

describe('the library in a browser', () => {
  let script: string;

  beforeAll(async () => {
    const target = Buffer.from(encodeTarget(bundledParts(), deflateCompressor, LINUX_PARTS)).toString(
      'base64',
    );
    const hello = readFileSync(HELLO).toString('base64');
    script = `${await library()}\nconst TARGET = '${target}', HELLO = '${hello}';\n${WORK}`;
  });

  it(
    'boots a machine, loads a module and removes it, in headless Chromium',
    ({ skip }) => {
      const name = browser();
      if (name === undefined) {
        if (process.env['CI']) throw new Error('no Chromium: .ci/run installs it');
        skip('needs Chromium');
        return;
      }
      const result = JSON.parse(textShownBy(name, page(script)).replaceAll('&quot;', '"'));
      expect(result).toEqual({
        loaded: ['hello'],
        left: 0,
        log: ['hello: Hello, browser.', 'hello: 2 numbers, their sum is 3', 'hello: Goodbye, browser.'],
        node: 'undefinedundefinedundefined',
      });
    },
    PATIENCE_MS,
  );
});
