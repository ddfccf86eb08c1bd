/** An interrupt line, or an output pin: high while the device wants something. */
export class InterruptLine {
  private high = false;

  /** `changed`: who is at the other end. */
  constructor(private readonly changed: (level: boolean) => void) {}

  get level(): boolean {
    return this.high;
  }

  raise(): void {
    if (this.high) return;
    this.high = true;
    this.changed(true);
  }

  lower(): void {
    if (!this.high) return;
    this.high = false;
    this.changed(false);
  }
}
