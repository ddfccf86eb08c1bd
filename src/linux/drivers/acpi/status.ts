/** acpi_status (include/acpi/acexcep.h). */
export const AE_OK = 0;
export const AE_NOT_FOUND = 5;
export const AE_NOT_EXIST = 6;
export const AE_ALREADY_EXISTS = 7;
export const AE_BAD_PARAMETER = 0x1001;
