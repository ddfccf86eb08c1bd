import { describe, expect, it } from 'vitest';
import { FakeLoader, smallBoot } from '../testing/fake-loader.js';

const DEFAULTS =
  'loader_conf_files="/boot/loader.conf /boot/loader.conf.local"\nloader_conf_dirs="/boot/loader.conf.d"\nmodule_path="/boot/modules"\nkernel="kernel"\nbootfile="kernel"\n';

/** What reading a loader.conf says behind the names of the files, and the loader. */
function read(conf: string, more: Readonly<Record<string, string>> = {}) {
  const fake = new FakeLoader({
    '/boot/defaults/loader.conf': DEFAULTS,
    '/boot/loader.conf.d/empty': '',
    '/boot/loader.conf': conf,
    ...more,
  });
  fake.loader.readConfiguration();
  const said = fake.said();
  const names =
    'Loading /boot/defaults/loader.conf\nLoading /boot/loader.conf\nLoading /boot/loader.conf.local\n';
  return { fake, said: said.startsWith(names) ? said.slice(names.length) : said };
}

const variables = (fake: FakeLoader) =>
  fake.environment
    .entries()
    .filter(([name]) => !['bootfile', 'kernel', 'loader_conf_dirs', 'module_path'].includes(name));

describe('loader.conf', () => {
  it('sets variables, sorted by name, with quotes or without', () => {
    const { fake, said } = read(
      'vm.kmem_size="1G" # comment\n  hw.ncpu=4\nboot_verbose = YES\n\n# all\nhint.uart.0.at="isa"\n',
    );
    expect(said).toBe('');
    expect(variables(fake)).toEqual([
      ['boot_verbose', 'YES'],
      ['hint.uart.0.at', 'isa'],
      ['hw.ncpu', '4'],
      ['vm.kmem_size', '1G'],
    ]);
  });

  it('names modules, which are no variables', () => {
    const { fake } = read(
      'nmdm_load="YES"\nif_em_load=no\nmy-mod_name="real"\nmy-mod_load="yes"\nmy-mod_flags="-v"\nnmdm_type="t"\n',
    );
    expect(variables(fake)).toEqual([]);
    expect(fake.loader.config.configured()).toEqual([
      { id: 'nmdm', settings: { load: 'YES', type: 't' } },
      { id: 'if_em', settings: { load: 'no' } },
      { id: 'my-mod', settings: { name: 'real', load: 'yes', flags: '-v' } },
    ]);
  });

  it('replaces variables and escapes', () => {
    const { fake } = read('a="1"\nb="x\x24{a}y$a.z\\"\\$"\nc="$none."\nd="$a-b"\n');
    expect(variables(fake)).toEqual([
      ['a', '1'],
      ['b', 'x1y"$'],
      ['c', ''],
      ['d', ''],
    ]);
  });

  it('complains of lines and values that make no sense, and goes on', () => {
    const { fake, said } = read(
      'good="1"\n\nbad\na="1" b="2"\nc="1" x\nd="a\\"\ne="\x24{"\nf="$"\n_g=1\nlast=1\n',
    );
    expect(said).toBe(
      'Loading /boot/defaults/loader.conf\nLoading /boot/loader.conf\n' +
        "Malformed line (2):\n\t'bad'\n" +
        "Failed to parse variable 'a': Stray quote at position '2'\n" +
        'Malformed line (4):\n\t\'c="1" x\'\n' +
        "Failed to parse variable 'd': Stray escape at end of line\n" +
        "Failed to parse variable 'e': Malformed variable expression at position '1'\n" +
        "Failed to parse variable 'f': Unescaped $ at end of line\n" +
        "Malformed line (8):\n\t'_g=1'\n" +
        "Failed to parse config: '/boot/loader.conf'\nLoading /boot/loader.conf.local\n",
    );
    expect(variables(fake).map(([name]) => name)).toEqual(['good', 'last']);
  });

  it('reads each file once, and those of directories that end in .conf', () => {
    const { fake, said } = read('loader_conf_files="/boot/loader.conf /more"\n', {
      '/more': 'more="1"\n',
      '/boot/loader.conf.d/b.conf': 'b="1"\n',
      '/boot/loader.conf.d/a.conf': 'a="1"\n',
      '/boot/loader.conf.d/c.txt': 'c="1"\n',
    });
    expect(said).toBe(
      'Loading /boot/defaults/loader.conf\nLoading /boot/loader.conf\nLoading /more\nLoading /boot/loader.conf.local\n' +
        'Loading /boot/loader.conf.d/a.conf\nLoading /boot/loader.conf.d/b.conf\n',
    );
    expect(variables(fake).map(([name]) => name)).toEqual(['a', 'b', 'more']);
  });

  it('says where a directory is none, and a command fails', () => {
    const { said } = read('loader_conf_dirs="/none"\nexec="echo hello"\nexec="nothing"\n');
    expect(said).toBe(
      'Loading /boot/defaults/loader.conf\nLoading /boot/loader.conf\nhello\n' +
        "Failed to exec 'nothing'\nLoading /boot/loader.conf.local\nFailed to load conf dir '/none': not a directory\n",
    );
  });
});

describe('what is loaded at boot', () => {
  function boot(conf: string) {
    const fake = smallBoot({
      '/boot/defaults/loader.conf': DEFAULTS,
      '/boot/loader.conf': conf,
      '/boot/loader.conf.d/x': '',
    });
    fake.loader.readConfiguration();
    fake.said();
    const request = fake.loader.boot();
    return { fake, request, said: fake.said() };
  }

  it('is the kernel, then the modules with what they need', () => {
    const { request, said } = boot('plain_load="YES"\n');
    expect(request?.files.map(({ path }) => path)).toEqual([
      '/boot/kernel/kernel',
      '/boot/kernel/plain.ko',
      '/boot/kernel/devices.ko',
    ]);
    expect(said).toMatch(
      /^Loading kernel...\n\/boot\/kernel\/kernel text=0x1000\nLoading configured modules...\n\/boot\/kernel\/plain.ko size 0x[0-9a-f]+ at 0x201000\nloading required module 'devices'\n/,
    );
    const environment = new Map(request?.environment);
    expect(environment.get('module_path')).toBe('/boot/kernel;/boot/modules');
    expect(environment.get('kernelname')).toBe('/boot/kernel/kernel');
  });

  it('leaves out what is on the blacklist, and says so only when told to', () => {
    const conf = 'devices_load="YES"\nmodule_blacklist="drm, devices;x"\n';
    expect(boot(conf).request?.files).toHaveLength(1);
    expect(boot(conf).said).not.toContain('blacklisted');
    expect(boot(`${conf}verbose_loading="YES"\n`).said).toContain(
      "Not loading blacklisted module 'devices'\n",
    );
  });

  it('tells what could not be loaded, runs commands around it, and boots', () => {
    const { request, said } = boot(
      'none_load="YES"\nnone_before="echo before"\nnone_error="echo failed"\nnone_after="echo after"\n',
    );
    expect(said.split('\n').slice(3)).toEqual(['before', "can't find 'none'", 'failed', '']);
    expect(request).toBeDefined();
  });

  it('is nothing without a kernel', () => {
    const { request, said } = boot('kernel="other"\nbootfile="none"\n');
    expect(request).toBeUndefined();
    expect(said).toBe("Loading kernel...\nFailed to load kernel 'other'\ncan't load 'none'\n");
  });
});
