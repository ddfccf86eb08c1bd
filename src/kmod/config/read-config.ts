import { type FileSource, readText } from '../../files/file-source.js';
import { addCmdline } from './cmdline.js';
import { configFiles } from './config-files.js';
import { CONFIG_DIRECTORIES, emptyConfig, type ModprobeConfig } from './modprobe-config.js';
import { parseConfigFile } from './parse-config.js';

interface ConfigPlaces {
  /** lib/modules/RELEASE, where depmod's modules.softdep and modules.weakdep are. */
  readonly moduleDirectory: string;
  /** Directories and files to read; {@link CONFIG_DIRECTORIES} by default. */
  readonly paths?: readonly string[];
  /** The kernel's command line. */
  readonly cmdline: string;
}

/** Reads modprobe's configuration. What is wrong with it is in the result's `problems`. */
export function readConfig(files: FileSource, places: ConfigPlaces): ModprobeConfig {
  const config = emptyConfig();
  const paths = places.paths ?? CONFIG_DIRECTORIES;
  for (const path of configFiles(files, places.moduleDirectory, paths, config.problems)) {
    const text = readText(files, path);
    if (text !== undefined) parseConfigFile(config, text, path);
  }
  addCmdline(config, places.cmdline);
  return config;
}
