import { describe, expect, it } from 'vitest';
import { writeLinkerHints } from '../../formats/kld/index.js';
import { Random } from '../../testing/random.js';
import { hintsModule } from '../testing/captured.js';
import { FakeLoader, smallBoot } from '../testing/fake-loader.js';
import { parseCommandLine } from './command-line.js';

describe("the loader's prompt", () => {
  it('is OK, and what its variables say', () => {
    const { loader, environment } = smallBoot();
    expect(loader.greeting()).toBe("\nType '?' for a list of commands, 'help' for more detailed help.\n");
    expect(loader.prompt()).toBe('OK ');
    environment.set('prompt', 'a \x24{b}>');
    environment.set('b', 'B');
    expect(loader.prompt()).toBe('a B> ');
  });

  it('sets, shows and unsets variables', () => {
    const fake = smallBoot();
    expect(fake.line('set hw.b="x y"')).toBe('');
    expect(fake.line('set hw.a=$hw.b')).toBe('');
    expect(fake.line('show hw.a')).toBe('x y\n');
    expect(fake.line('show')).toBe('hw.a=x y\nhw.b=x y\n');
    expect(fake.line('unset hw.a')).toBe('');
    expect(fake.line('show hw.a')).toBe("variable 'hw.a' not found\n");
    expect(fake.line('unset hw.a')).toBe('no such file or directory\n');
    expect(fake.line('set')).toBe('wrong number of arguments\n');
    expect(fake.line('echo -n \x24{hw.b}!')).toBe('x y!');
  });

  it('does not know every command', () => {
    const fake = smallBoot();
    expect(fake.line('nothing')).toBe('unknown command\n');
    expect(fake.line('echo "a')).toBe("Failed to parse 'echo \"a'\n");
    expect(fake.line('  ')).toBe('');
    expect(fake.line('?')).toMatch(
      /^Available commands:\n {2}\? {16}list commands\n {2}boot {13}boot a file or loaded kernel\n/,
    );
  });

  it('shows files', () => {
    const fake = smallBoot();
    expect(fake.line('ls /boot')).toBe('/boot\n d  kernel\n d  modules\n');
    expect(fake.line('ls -l /boot/modules')).toBe('/boot/modules\n          9 text.ko\n');
    expect(fake.line('ls /boot/modules/text.ko')).toBe('    /boot/modules/text.ko\n');
    expect(fake.line('ls')).toBe('/\n d  boot\n');
    expect(fake.line('ls /x')).toBe("open '/x' failed: no such file or directory\n");
    expect(fake.line('more /boot/modules/text.ko')).toBe(
      '*** FILE /boot/modules/text.ko BEGIN ***\nno module*** FILE /boot/modules/text.ko END ***\n',
    );
  });
});

describe('load', () => {
  it('wants a kernel first, and says what it cannot do', () => {
    const fake = smallBoot();
    expect(fake.line('load')).toBe('no filename specified\n');
    expect(fake.line('load none')).toBe("can't find 'none'\n");
    expect(fake.line('load -t md_image /boot/x')).toBe("can't load file before kernel\n");
    expect(fake.line('load text')).toBe("don't know how to load module '/boot/modules/text.ko'\n");
    expect(fake.line('load devices')).toBe(
      `${"elf64_obj_loadfile: can't load module before kernel\n".repeat(2)}can't load file '/boot/kernel/devices.ko': operation not permitted\n`,
    );
  });

  it('shows what it loads, and lsmod what is there', () => {
    const fake = smallBoot({ '/boot/image': 'data' });
    expect(fake.line('load kernel -v')).toBe('/boot/kernel/kernel text=0x1000\n');
    const said = fake.line('load plain x=1');
    const [, plain, devices] = fake.loader.files;
    const hex = (value: bigint | number) => `0x${value.toString(16)}`;
    expect(devices.address).toBe(0x202000n);
    expect(said).toBe(
      `/boot/kernel/plain.ko size ${hex(plain.size)} at 0x201000\nloading required module 'devices'\n` +
        `/boot/kernel/devices.ko size ${hex(devices.size)} at 0x202000\n`,
    );
    expect(fake.line('load -t md_image /boot/image')).toBe('/boot/image size=0x4\n');
    expect(fake.line('load -t md_image /boot/image')).toBe("warning: file '/boot/image' already loaded\n");
    expect(fake.line('lsmod')).toBe(
      ' 0x200000: /boot/kernel/kernel (elf kernel, 0x1000)\n    args: -v\n  modules: pci.1 kernel.1402000 \n' +
        ` 0x201000: /boot/kernel/plain.ko (elf obj module, ${hex(plain.size)})\n    args: x=1\n  modules: plain.1 \n` +
        ` 0x202000: /boot/kernel/devices.ko (elf obj module, ${hex(devices.size)})\n  modules: devices.7 \n` +
        ` ${hex(0x202000 + devices.size)}: /boot/image (md_image, 0x4)\n`,
    );
    expect(fake.line('lsmod -v')).toContain(
      '      0x0002, 0x40\n      0xc001, 0x10\n      0xc001, 0x13\n      0x0009, 0x',
    );
  });

  it('keeps nothing of what needs a module that is not there', () => {
    const fake = new FakeLoader({
      '/boot/kernel/kernel': 'k',
      '/boot/kernel/plain.ko': hintsModule('plain.ko'),
    });
    fake.line('load kernel');
    expect(fake.line('load plain')).toMatch(
      /^(\/boot\/kernel\/plain.ko size 0x[0-9a-f]+ at 0x201000\nloading required module 'devices'\n){2}can't find 'devices'\n$/,
    );
    expect(fake.loader.files).toHaveLength(1);
  });

  it('tells of a module that is there in a version that will not do', () => {
    const fake = smallBoot({ '/boot/kernel/devices.ko': hintsModule('broken.ko') });
    fake.line('load kernel');
    expect(fake.line('load plain')).toMatch(/module 'devices' exists but with wrong version\n$/);
    expect(fake.loader.files).toHaveLength(1);
  });

  it('looks for modules in linker.hints, by the versions that will do', () => {
    const hints = writeLinkerHints([
      { kind: 'version', name: 'alias', version: 1, file: 'broken.ko' },
      { kind: 'version', name: 'gone', version: 1, file: 'gone.ko' },
    ]);
    const fake = smallBoot({ '/boot/kernel/linker.hints': hints, '/boot/kernel/gone': 'x' });
    fake.line('load kernel');
    expect(fake.line('load alias')).toMatch(/^\/boot\/kernel\/broken.ko size /);
    expect(fake.line('load gone')).toBe("can't find 'gone'\n");
  });

  it('passes over a damaged linker.hints, and tells of a damaged module', () => {
    const bytes = hintsModule('broken.ko');
    bytes.fill(0xff, bytes.length - 200);
    const fake = smallBoot({ '/boot/kernel/linker.hints': 'damaged', '/boot/kernel/bad.ko': bytes });
    fake.line('load kernel');
    expect(fake.line('load broken')).toMatch(/^\/boot\/kernel\/broken.ko size /);
    expect(fake.line('load bad')).toMatch(
      /^modbox: \/boot\/kernel\/bad.ko: .*\n.*\ncan't load file '\/boot\/kernel\/bad.ko': input\/output error\n$/,
    );
  });
});

describe('boot', () => {
  it('hands over what is loaded, with arguments', () => {
    const fake = smallBoot();
    fake.line('load kernel -v');
    fake.line('set a=1');
    const request = fake.loader.run('boot -s -d');
    expect(request?.kernel).toMatchObject({ path: '/boot/kernel/kernel', type: 'elf kernel', args: '-s -d' });
    expect(request?.environment).toEqual([
      ['a', '1'],
      ['kernelname', '/boot/kernel/kernel'],
    ]);
  });

  it('takes another kernel, and unload forgets all', () => {
    const fake = smallBoot({ '/boot/other/kernel': 'k' });
    fake.line('load kernel');
    fake.line('unload');
    expect(fake.line('lsmod')).toBe('');
    expect(fake.loader.run('boot other')?.kernel.path).toBe('/boot/other/kernel');
  });
});

describe('include and help', () => {
  it('runs scripts, which say what they do unless told not to', () => {
    const fake = smallBoot({
      '/s': '\\ comment\n@set a=1\necho $a\n-nothing\n@echo end\nnothing\necho never\n',
      '/loop': '@include /loop\n',
    });
    expect(fake.line('include /s')).toContain(
      'OK echo $a\n1\nOK nothing\nnothing: unknown command\nend\nOK nothing\nnothing: unknown command\n',
    );
    expect(fake.said()).not.toContain('never');
    expect(fake.line('include /none')).toContain("can't open '/none': no such file or directory");
    expect(fake.line('include /loop')).toContain('more than 20 scripts in each other');
  });

  it('shows help by topic', () => {
    const help =
      '####\n# Tboot DBoot immediately\n\n\tboot [-args]\n\n####\n# Tset DSet\n\ttext\n####\n# Tset Sautoboot DDelay\n\tmore\n#\n';
    const fake = smallBoot({ '/boot/loader.help': help });
    expect(fake.line('help boot')).toBe('\n\tboot [-args]\n\n');
    expect(fake.line('help set')).toBe('\ttext\n    set autoboot                   Delay\n');
    expect(fake.line('help set autoboot')).toBe('\tmore\n');
    expect(fake.line('help index')).toBe(
      '    boot                           Boot immediately\n    set                            Set\n    set autoboot                   Delay\n',
    );
    expect(fake.line('help none')).toBe("no help available for 'none'\n");
    expect(smallBoot().line('help')).toBe("Verbose help not available, use '?' to list commands\n");
  });
});

describe('a line of the prompt', () => {
  const parse = (line: string) => parseCommandLine(line, (name) => (name === 'a' ? 'A B' : undefined));

  it('has words, quotes, escapes and variables', () => {
    expect(parse(' x  "y z" \'$a\' $a \x24{a}b $(a) $none.')).toEqual([
      'x',
      'y z',
      '$a',
      'A B',
      'A Bb',
      'A B',
    ]);
    expect(parse('a\\sb \\101 \\0x42c \\"q\\" \\$a \\zq')).toEqual(['a', 'b', 'A', 'Bc', '"q"', '$a', 'q']);
    expect(parse('')).toEqual([]);
  });

  it('has to end, and has room for 20 words', () => {
    expect(parse('"x')).toBeUndefined();
    expect(parse('\x24{a')).toBeUndefined();
    expect(parse('w '.repeat(20))).toHaveLength(20);
    expect(parse('w '.repeat(21))).toBeUndefined();
    expect(parse('w'.repeat(1100))).toBeUndefined();
  });
});

describe('hostile text', () => {
  it('in files and on the prompt is only ever complained of', () => {
    const random = new Random(99);
    const pieces = [
      'a',
      '_load',
      '=',
      '"',
      "'",
      '$',
      '{',
      '}',
      '\\',
      '#',
      ' ',
      '\n',
      ';',
      '/boot',
      'exec',
      'set ',
      'load ',
      '\u0000',
      '\udc80',
    ];
    for (let i = 0; i < 2000; i++) {
      const text = Array.from({ length: random.below(40) }, () => random.pick(pieces)).join('');
      const fake = smallBoot({ '/c': text });
      fake.loader.readConfiguration('/c');
      fake.loader.run(text.replaceAll('\n', ' '));
      expect(fake.said().length).toBeLessThan(1 << 20);
    }
  });
});
