/** What went wrong in {@link FileWriter.replaceFiles}; `errno` is positive. */
export type WriteProblem =
  /** A file beside the old one could not be made. */
  | { readonly step: 'open'; readonly temporary: string; readonly errno: number }
  /** It could not be written to its end. */
  | { readonly step: 'write'; readonly name: string; readonly errno: number }
  /** It could not be put into the old one's place. */
  | { readonly step: 'rename'; readonly temporary: string; readonly name: string; readonly errno: number };

/** Where tools write: a disk, or files in memory. Paths are those of the {@link FileSource} beside it. */
export interface FileWriter {
  /** Makes a directory and those above it (mode 0755); 0 or a positive error number. */
  makeDirectories(path: string): number;
  /**
   * Puts files of a directory into the place of old ones. Each is there wholly or not at all at any moment, and all
   * are replaced at once as far as that can be. Files that could not be made are left out; any other problem is
   * the last and leaves the old files.
   */
  replaceFiles(directory: string, files: ReadonlyMap<string, Uint8Array>): readonly WriteProblem[];
  /** The same place, where no link below a directory leads what is written there out of it. */
  confined?(directory: string): FileWriter;
}
