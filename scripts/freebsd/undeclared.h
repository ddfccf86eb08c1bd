/*
 * Prototypes of functions of FreeBSD 14.2's kernel, and types of variables, that real modules use and that no installed
 * header declares: those headers are in the source tree only. Facts from the manual pages (pci(9), led(9), acpi(4), ...) and
 * the public sources; structs that nothing here needs the layout of are left incomplete.
 */
#include <sys/param.h>
#include <sys/bus.h>
#include <sys/kbio.h>
#include <sys/module.h>
#include <sys/mbuf.h>
#include <sys/serial.h>
#include <sys/smr.h>
#include <sys/vnode.h>
#include <sys/socket.h>
#include <net/if.h>
#include <net/if_var.h>
#include <net/netmap.h>

struct keyboard;
struct keyboard_driver;
struct keyboard_switch;
struct video_adapter;
struct video_switch;
struct splash_decoder;
struct pci_devinfo;
struct pci_device_table;
struct pci_map;
struct g_part_entry;
struct g_part_scheme;
struct g_part_table;
struct random_source;
struct mac_policy_conf;
struct nvlist;
struct sc_softc;

/* dev/pci: pci(9). */
int pci_set_max_read_req(device_t dev, int size);
int pci_get_max_read_req(device_t dev);
int pci_get_max_payload(device_t dev);
int pci_set_max_payload(device_t dev, int size);
device_t pci_find_bsf(uint8_t bus, uint8_t slot, uint8_t func);
device_t pci_find_dbsf(uint32_t domain, uint8_t bus, uint8_t slot, uint8_t func);
device_t pci_find_device(uint16_t vendor, uint16_t device);
device_t pci_find_class(uint8_t class, uint8_t subclass);
device_t pci_find_class_from(uint8_t class, uint8_t subclass, device_t from);
device_t pci_find_pcie_root_port(device_t dev);
void pci_save_state(device_t dev);
void pci_restore_state(device_t dev);
void pci_cfg_save(device_t dev, struct pci_devinfo *dinfo, int setstate);
void pci_cfg_restore(device_t dev, struct pci_devinfo *dinfo);
struct pci_map *pci_find_bar(device_t dev, int reg);
struct pci_map *pci_first_bar(device_t dev);
struct pci_map *pci_next_bar(struct pci_map *pm);
const struct pci_device_table *pci_match_device(device_t child, const struct pci_device_table *id, size_t nelt);
int pci_power_reset(device_t dev);
bool pci_get_relaxed_ordering_enabled(device_t dev);
uint32_t pcie_read_config(device_t dev, int reg, int width);
void pcie_write_config(device_t dev, int reg, uint32_t value, int width);
uint32_t pcie_adjust_config(device_t dev, int reg, uint32_t mask, uint32_t value, int width);
bool pcie_flr(device_t dev, u_int max_delay, bool force);
int pcie_get_max_completion_timeout(device_t dev);
bool pcie_wait_for_pending_transactions(device_t dev, u_int max_delay);
int pci_iov_attach_name(device_t dev, struct nvlist *pf_schema, struct nvlist *vf_schema, const char *fmt, ...);

int pcib_maxslots(device_t dev);
int pcib_read_ivar(device_t dev, device_t child, int which, uintptr_t *result);
int pcib_write_ivar(device_t dev, device_t child, int which, uintptr_t value);

/* dev/uart. */
int uart_bus_attach(device_t dev);
int uart_bus_detach(device_t dev);
serdev_intr_t *uart_bus_ihand(device_t dev, int ipend);
int uart_bus_ipend(device_t dev);
extern const char uart_driver_name[];

/* dev/led: led(4). */
struct cdev *led_create(void (*func)(void *, int), void *priv, const char *name);
struct cdev *led_create_state(void (*func)(void *, int), void *priv, const char *name, int state);
void led_destroy(struct cdev *dev);

/* dev/kbd. */
int kbd_add_driver(struct keyboard_driver *driver);
int kbd_delete_driver(struct keyboard_driver *driver);
int kbd_register(struct keyboard *kbd);
int kbd_unregister(struct keyboard *kbd);
int kbd_attach(struct keyboard *kbd);
int kbd_detach(struct keyboard *kbd);
struct keyboard_switch *kbd_get_switch(char *driver);
void kbd_init_struct(struct keyboard *kbd, const char *name, int type, int unit, int config, int port, int port_size);
void kbd_set_maps(struct keyboard *kbd, keymap_t *keymap, accentmap_t *accmap, fkeytab_t *fkeymap, int fkeymap_size);
int kbd_find_keyboard(char *driver, int unit);
struct keyboard *kbd_get_keyboard(int index);
int kbd_allocate(char *driver, int unit, void *id, int (*func)(struct keyboard *, int, void *), void *arg);
int kbd_release(struct keyboard *kbd, void *id);
void kbd_ev_event(struct keyboard *kbd, uint16_t type, uint16_t code, int32_t value);
int genkbd_commonioctl(struct keyboard *kbd, u_long cmd, caddr_t arg);
int genkbd_keyaction(struct keyboard *kbd, int keycode, int up, int *shiftstate, int *accents);

/* dev/fb, dev/syscons. */
int splash_register(struct splash_decoder *decoder);
int splash_unregister(struct splash_decoder *decoder);
struct video_adapter *vid_get_adapter(int adapter);
extern struct video_switch **vidsw;

/* geom/part. */
const char *g_part_alias_name(int alias);
int g_part_modevent(module_t mod, int type, struct g_part_scheme *scheme);
struct g_part_entry *g_part_new_entry(struct g_part_table *table, int index, quad_t start, quad_t end);
void g_part_geometry_heads(off_t blocks, u_int sectors, off_t *bestchs, u_int *bestheads);

/* contrib/dev/acpica, dev/acpica: ACPI_HANDLE is a pointer, ACPI_STATUS and UINT32 have 32 bits. */
int acpi_disabled(char *subsys);
uint32_t acpi_GetInteger(void *handle, char *path, uint32_t *number);
uint32_t acpi_SetInteger(void *handle, char *path, uint32_t number);
void acpi_UserNotify(const char *subsystem, void *handle, uint8_t notify);
char *acpi_name(void *handle);
int acpi_has_hid(void *handle);
int acpi_MatchHid(void *handle, const char *hid);
void AcpiOsFree(void *memory);
void *AcpiOsAllocate(size_t size);
uint32_t AcpiOsExecute(int type, void (*function)(void *), void *context);
uint32_t AcpiEvaluateObject(void *object, char *pathname, void *parameters, void *result);
uint32_t AcpiGetHandle(void *parent, const char *pathname, void **result);
uint32_t AcpiInstallNotifyHandler(void *device, uint32_t type, void (*handler)(void *, uint32_t, void *), void *context);
uint32_t AcpiRemoveNotifyHandler(void *device, uint32_t type, void (*handler)(void *, uint32_t, void *));
uint32_t AcpiWalkNamespace(uint32_t type, void *start, uint32_t depth, uint32_t (*descending)(void *, uint32_t, void *, void **),
    uint32_t (*ascending)(void *, uint32_t, void *, void **), void *context, void **result);
const char *AcpiFormatException(uint32_t status);

/* security/mac. */
int mac_policy_modevent(module_t mod, int type, void *data);
intptr_t mac_label_get(struct label *label, int slot);
void mac_label_set(struct label *label, int slot, intptr_t value);
void mac_thread_userret(struct thread *td);
void mac_cred_associate_nfsd(struct ucred *cred);
void mac_inpcb_create_mbuf(struct inpcb *inp, struct mbuf *m);
void mac_netinet_firewall_reply(struct mbuf *mrecv, struct mbuf *msend);
void mac_netinet_firewall_send(struct mbuf *m);
void mac_socket_create_mbuf(struct socket *so, struct mbuf *m);
void mac_socketpeer_set_from_mbuf(struct mbuf *m, struct socket *so);
int mac_mount_check_stat(struct ucred *cred, struct mount *mp);
int mac_vnode_check_stat_impl(struct ucred *active_cred, struct ucred *file_cred, struct vnode *vp);
int mac_ifnet_check_transmit_impl(struct ifnet *ifp, struct mbuf *m);
void mac_ifnet_create_mbuf_impl(struct ifnet *ifp, struct mbuf *m);
extern bool mac_ifnet_check_transmit_fp_flag;
extern bool mac_ifnet_create_mbuf_fp_flag;
extern bool mac_vnode_check_stat_fp_flag;
extern bool mac_vnode_check_open_fp_flag;
extern bool mac_vnode_check_write_fp_flag;
int vop_stdsetlabel_ea(struct vop_setlabel_args *ap);

/* security/audit. */
void audit_arg_cmd(int cmd);
void audit_arg_fd(int fd);
void audit_arg_fflags(int fflags);
void audit_arg_file(struct proc *p, struct file *fp);
void audit_arg_mode(mode_t mode);
void audit_arg_pid(pid_t pid);
void audit_arg_process(struct proc *p);
void audit_arg_signum(u_int signum);
void audit_arg_svipc_cmd(int cmd);
void audit_arg_svipc_id(int id);
void audit_arg_svipc_perm(struct ipc_perm *perm);
void audit_arg_svipc_which(int which);
void audit_arg_upath1_canon(const char *upath);
void audit_arg_value(long value);
void audit_arg_vnode1(struct vnode *vp);
void audit_syscall_exit(int error, struct thread *td);

/* dev/netmap. */
struct netmap_adapter;
struct netmap_kring;
int netmap_attach(struct netmap_adapter *na);
void netmap_detach(if_t ifp);
struct netmap_slot *netmap_reset(struct netmap_adapter *na, int tx, u_int n, u_int new_cur);
int netmap_rx_irq(if_t ifp, u_int q, u_int *work_done);
u_int netmap_ring_reinit(struct netmap_kring *kring);
void netmap_disable_all_rings(if_t ifp);
void netmap_enable_all_rings(if_t ifp);
void nm_set_native_flags(struct netmap_adapter *na);
void nm_clear_native_flags(struct netmap_adapter *na);
extern int netmap_no_pendintr;

/* isa, x86. */
int rtcin(int reg);
void writertc(int reg, unsigned char value);
int isa_dma_acquire(int chan);
void isa_dma_release(int chan);
int isa_dma_init(int chan, u_int bouncebufsize, int flag);
void isa_dmastart(int flags, caddr_t addr, u_int nbytes, int chan);
void isa_dmadone(int flags, caddr_t addr, int nbytes, int chan);

/* compat/freebsd32, compat/ia32. */
struct syscall_helper_data;
struct image_params;
int syscall32_helper_register(struct syscall_helper_data *sd, int flags);
int syscall32_helper_unregister(struct syscall_helper_data *sd);
int freebsd32_copyout_strings(struct image_params *imgp, uintptr_t *stack_base);
int elf32_freebsd_fixup(uintptr_t *stack_base, struct image_params *imgp);
int ia32_fetch_syscall_args(struct thread *td);
void ia32_fixlimit(struct rlimit *rl, int which);
void ia32_set_syscall_retval(struct thread *td, int error);
void ia32_setregs(struct thread *td, struct image_params *imgp, uintptr_t stack);

/* Declared inside of source files or behind options of single files. */
extern u_long sb_max_adj;
extern int nmbjumbo9;
extern int nmbjumbo16;
extern int in_mcast_loop;
extern struct proc *bufdaemonproc;
extern smr_t vfs_smr;
extern void (*vlan_input_p)(if_t ifp, struct mbuf *m);
extern void (*vlan_link_state_p)(if_t ifp);
extern void (*ng_ether_attach_p)(if_t ifp);
extern void (*ng_ether_detach_p)(if_t ifp);
extern void (*ng_ether_input_p)(if_t ifp, struct mbuf **mp);
extern void (*ng_ether_input_orphan_p)(if_t ifp, struct mbuf *m);
extern int (*ng_ether_output_p)(if_t ifp, struct mbuf **mp);
extern void (*ng_ether_link_state_p)(if_t ifp, int state);
int ktest_default_modevent(module_t mod, int type, void *arg);

/* dev/random. */
void random_source_register(struct random_source *source);
void random_source_deregister(struct random_source *source);

/* contrib/zlib, which names its stream z_stream_s. */
struct z_stream_s;
int inflate(struct z_stream_s *strm, int flush);
int inflateEnd(struct z_stream_s *strm);
int inflateReset(struct z_stream_s *strm);
int inflateInit_(struct z_stream_s *strm, const char *version, int stream_size);
int inflateInit2_(struct z_stream_s *strm, int windowBits, const char *version, int stream_size);
int deflate(struct z_stream_s *strm, int flush);
int deflateEnd(struct z_stream_s *strm);
int deflateReset(struct z_stream_s *strm);
int deflateInit2_(struct z_stream_s *strm, int level, int method, int windowBits, int memLevel, int strategy, const char *version,
    int stream_size);

void *zcalloc_nowait(void *nil, u_int items, u_int size);
void zcfree(void *nil, void *ptr);

/* What the compiler calls, and what follows it: libkern. */
void __stack_chk_fail(void);
extern long __stack_chk_guard[8];
