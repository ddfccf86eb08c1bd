/** One difference between a type of the kernel that a module was built for and the same type of another kernel. */
export interface TypeChange {
  /** `struct net_device`, `enum hrtimer_mode`, or the function itself: `netif_rx()`. */
  readonly type: string;
  /** In words: "member 'xfrm' added before 'dev'". */
  readonly text: string;
  /** The types that lead to it, from the symbol on: `netif_rx()`, `struct sk_buff`. Without the type itself. */
  readonly path: readonly string[];
}
