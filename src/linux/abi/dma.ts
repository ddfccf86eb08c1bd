/** DMA_BIT_MASK(32): what a device can reach until its driver says otherwise. */
export const DMA_32BIT = 0xffff_ffffn;
