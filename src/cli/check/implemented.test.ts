import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { ModuleFile } from '../../formats/module-file.js';
import { importedFunctions } from '../../machine/linux/implemented.js';
import { loadBundled } from '../../target/node/index.js';
import { CORPUS_RELEASE, corpusTree } from '../../testing/corpus.js';
import { imageTarget } from '../../testing/targets.js';
import { styleFor } from '../style.js';
import { implementedText } from './implemented.js';

const OWN = fileURLToPath(new URL('../../../tests/modules/hello.ko', import.meta.url));
const tree = await corpusTree();
const target = await imageTarget();

const file = (path: string): ModuleFile => new ModuleFile(path, readFileSync(path));
const plain = styleFor({});

describe('who answers for what a module imports', () => {
  it('is TypeScript, for all of a small one', () => {
    const [hello] = importedFunctions([file(OWN)], loadBundled());
    expect(hello.functions.map(({ answer }) => answer.by)).not.toContain('nobody');
    expect(implementedText(hello, plain)).toContain('every function that it imports is there');
  });

  it.skipIf(tree === undefined || target === undefined)(
    "is the target's own code too, or nobody for a reason, of drivers for network cards",
    () => {
      const files = ['e1000', 'e1000e'].map((name) =>
        file(
          join(tree!, `lib/modules/${CORPUS_RELEASE}/kernel/drivers/net/ethernet/intel/${name}/${name}.ko`),
        ),
      );
      const [driver, newer] = importedFunctions(files, target!);
      const answers = Object.fromEntries(driver.functions.map(({ name, answer }) => [name, answer]));
      expect(answers.pci_enable_device).toMatchObject({ by: expect.stringMatching(/typescript|partly/) });
      expect(answers.ethtool_convert_legacy_u32_to_link_mode).toEqual({ by: 'native' });
      expect(driver.others).toContain('jiffies');
      expect(implementedText(driver, plain)).toContain('every function that it imports is there');
      const stamps = newer.functions.find(({ name }) => name === 'get_device_system_crosststamp');
      expect(stamps?.answer).toMatchObject({
        by: 'nobody',
        why: 'get_device_system_crosststamp touches tk_core, which modbox owns',
      });
      expect(implementedText(newer, plain)).toContain('not all is there');
    },
  );
});
