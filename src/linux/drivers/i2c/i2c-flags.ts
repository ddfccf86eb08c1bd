/** Flags of a struct i2c_msg, and of a client where it has the same (include/uapi/linux/i2c.h). */
export const I2C_M_RD = 0x0001;
export const I2C_M_TEN = 0x0010;
export const I2C_M_DMA_SAFE = 0x0200;
export const I2C_M_RECV_LEN = 0x0400;

/** Flags of a struct i2c_client (include/linux/i2c.h). */
export const I2C_CLIENT_PEC = 0x0004;
export const I2C_CLIENT_TEN = I2C_M_TEN;
export const I2C_CLIENT_SLAVE = 0x0020;
export const I2C_CLIENT_SCCB = 0x9000;

/** What an adapter can do (include/uapi/linux/i2c.h). */
export const I2C_FUNC_I2C = 0x0000_0001;
export const I2C_FUNC_SMBUS_PEC = 0x0000_0008;
export const I2C_FUNC_SMBUS_QUICK = 0x0001_0000;
export const I2C_FUNC_SMBUS_READ_BYTE = 0x0002_0000;
export const I2C_FUNC_SMBUS_READ_BYTE_DATA = 0x0008_0000;
export const I2C_FUNC_SMBUS_BYTE_DATA = 0x0018_0000;
export const I2C_FUNC_SMBUS_READ_WORD_DATA = 0x0020_0000;
export const I2C_FUNC_SMBUS_WORD_DATA = 0x0060_0000;
export const I2C_FUNC_SMBUS_READ_BLOCK_DATA = 0x0100_0000;
export const I2C_FUNC_SMBUS_BLOCK_PROC_CALL = 0x0000_8000;
export const I2C_FUNC_SMBUS_READ_I2C_BLOCK = 0x0400_0000;
export const I2C_FUNC_SMBUS_I2C_BLOCK = 0x0c00_0000;
/** What i2c_smbus_xfer() makes of messages: QUICK, BYTE, BYTE_DATA, WORD_DATA, PROC_CALL, WRITE_BLOCK_DATA, I2C_BLOCK, PEC. */
export const I2C_FUNC_SMBUS_EMUL = 0x0eff_0008;

/** What i2c_lock_bus() is asked for: the whole tree of muxes, or the adapter's part of it. */
export const I2C_LOCK_SEGMENT = 2;

/** Source file that warnings of the core name. */
export const I2C_CORE = 'drivers/i2c/i2c-core-base.c';

/** Addresses of 7 bits that are no special ones. */
export const FIRST_ADDRESS = 0x08;
export const LAST_ADDRESS = 0x77;
/** Who answers it tells what it is (i2c_get_device_id()). */
export const I2C_ADDR_DEVICE_ID = 0x7c;
/** How sysfs tells addresses of 10 bits, and those that the machine itself answers at, from others. */
export const I2C_ADDR_OFFSET_TEN_BIT = 0xa000;
export const I2C_ADDR_OFFSET_SLAVE = 0x1000;

/** Directions, protocols and the longest block of SMBus (include/uapi/linux/i2c.h). */
export const I2C_SMBUS_READ = 1;
export const I2C_SMBUS_WRITE = 0;
export const I2C_SMBUS_QUICK = 0;
export const I2C_SMBUS_BYTE = 1;
export const I2C_SMBUS_BYTE_DATA = 2;
export const I2C_SMBUS_WORD_DATA = 3;
export const I2C_SMBUS_PROC_CALL = 4;
export const I2C_SMBUS_BLOCK_DATA = 5;
export const I2C_SMBUS_BLOCK_PROC_CALL = 7;
export const I2C_SMBUS_I2C_BLOCK_DATA = 8;
export const I2C_SMBUS_BLOCK_MAX = 32;
/** sizeof(union i2c_smbus_data): a block's length, its bytes, and room for one of error detection. */
export const I2C_SMBUS_DATA_BYTES = I2C_SMBUS_BLOCK_MAX + 2;
