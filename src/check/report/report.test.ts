import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { visible } from '../../formats/visible-text.js';
import type { Reason, Verdict } from '../reason.js';
import { htmlMatrix } from './html.js';
import { checkJson } from './json.js';
import { junitXml } from './junit.js';
import { summaryText, verdictText } from './text.js';

const version = (symbol: string): Reason => ({
  kind: 'version',
  symbol,
  provider: undefined,
  wanted: 1,
  found: 2,
  changes: [{ type: 'struct device', text: "member 'x' added before 'y'", path: [`${symbol}()`] }],
  effect: 'refused',
  errno: 'EINVAL',
  text: `'${symbol}' has version 0x00000002 in this kernel, it was built against 0x00000001`,
});
const license: Reason = {
  kind: 'license',
  license: '<b>&"\u0001',
  effect: 'taints',
  taint: 'P',
  text: "its licence '<b>&\"\u0001' is none that the kernel counts as GPL-compatible",
};
const verdicts: Verdict[] = [
  {
    module: 'good',
    file: 'good.ko',
    target: 'linux/1',
    loads: true,
    errno: undefined,
    taints: '',
    reasons: [],
  },
  {
    module: 'good',
    file: 'good.ko',
    target: 'linux/2',
    loads: true,
    errno: undefined,
    taints: 'P',
    reasons: [license],
  },
  {
    module: 'bad',
    file: 'bad.ko',
    target: 'linux/1',
    loads: false,
    errno: 'EINVAL',
    taints: 'P',
    reasons: [license, version('a'), version('b')],
  },
];

describe('reports of a check', () => {
  it('as text: versions together, by what changed', () => {
    expect(verdictText(verdicts[0])).toBe('good on linux/1: loads\n');
    expect(verdictText(verdicts[2]).split('\n')).toEqual([
      'bad on linux/1: does not load (EINVAL)',
      `  license: ${visible(license.text)}`,
      '  version: the versions of 2 symbols differ: a, b',
      "    struct device: member 'x' added before 'y' (a() > struct device; 2 symbols)",
      '',
    ]);
    expect(summaryText(verdicts)).toBe(
      '2 modules on linux/1: 1 load, 1 do not\n1 module on linux/2: 1 load, 0 do not\n',
    );
  });

  it('as JSON', () => {
    expect(JSON.parse(checkJson(verdicts))).toMatchObject({
      targets: ['linux/1', 'linux/2'],
      loads: 2,
      refused: 1,
      verdicts: [
        { errno: null },
        { taints: 'P' },
        { log: expect.arrayContaining(['bad: disagrees about version of symbol a']) },
      ],
    });
    expect(JSON.parse(checkJson([]))).toMatchObject({ verdicts: [] });
  });

  it('as JUnit XML that a parser takes', () => {
    const xml = junitXml(verdicts);
    const script =
      'import sys,xml.etree.ElementTree as e;r=e.fromstring(sys.stdin.buffer.read());print([(s.get("name"),s.get("tests"),s.get("failures"),[c.get("name") for c in s],[f.get("message") for f in s.iter("failure")]) for s in r])';
    expect(execFileSync('python3', ['-c', script], { input: xml, encoding: 'utf8' })).toBe(
      `[('linux/1', '2', '1', ['good', 'bad'], ["EINVAL: 'a' has version 0x00000002 in this kernel, it was built against 0x00000001"]), ('linux/2', '1', '0', ['good'], [])]\n`,
    );
  });

  it('as a page in which nothing of a module is markup', () => {
    const page = htmlMatrix([...verdicts, { ...verdicts[2], module: '</script><i>', file: '</td>' }]);
    expect(page).not.toContain('<i>');
    expect(page).not.toContain('<b>');
    const texts = /<script type="application\/json" id="texts">(.*?)<\/script>/.exec(page)?.[1];
    expect(JSON.parse(texts!)).toHaveLength(2);
    expect(page.match(/<tr class="refused">/g)).toHaveLength(2);
  });
});
