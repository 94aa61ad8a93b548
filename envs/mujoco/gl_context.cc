#include <palaestra/envs/mujoco/gl_context.h>

#include <dlfcn.h>

#include <array>
#include <charconv>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include <palaestra/core/error.h>

namespace palaestra::envs::mujoco {

/// What both libraries can do. The one virtual call is per picture.
struct GlContext::Backend {
  virtual ~Backend() = default;
  virtual const char* name() const = 0;
  /// Remembers what was current on this thread.
  virtual bool enter() = 0;
  virtual void leave() = 0;
};

namespace {

/// A function of an opened library.
template <class Function>
bool find(void* library, const char* name, Function& function) {
  function = reinterpret_cast<Function>(dlsym(library, name));
  return function != nullptr;
}

/// Opens a library for good: drivers leave threads and callbacks behind that outlive a dlclose.
/// Its names are made known to all, because MuJoCo looks its OpenGL functions up by them.
void* open_library(const char* file) { return dlopen(file, RTLD_NOW | RTLD_GLOBAL); }

// ---- EGL. Types and numbers of its specification, so that no header has to be installed.

using EglObject = void*;

struct Egl {
  static constexpr std::int32_t kNone = 0x3038, kPlatformDevice = 0x313F;
  static constexpr unsigned kOpenGlApi = 0x30A2, kDraw = 0x3059, kRead = 0x305A;

  EglObject (*get_proc_address)(const char*);
  EglObject (*get_display)(EglObject);
  unsigned (*initialize)(EglObject, std::int32_t*, std::int32_t*);
  unsigned (*bind_api)(unsigned);
  unsigned (*query_api)();
  unsigned (*choose_config)(EglObject, const std::int32_t*, EglObject*, std::int32_t,
                            std::int32_t*);
  EglObject (*create_context)(EglObject, EglObject, EglObject, const std::int32_t*);
  unsigned (*destroy_context)(EglObject, EglObject);
  unsigned (*make_current)(EglObject, EglObject, EglObject, EglObject);
  EglObject (*get_current_context)();
  EglObject (*get_current_display)();
  EglObject (*get_current_surface)(std::int32_t);

  bool load(void* library) {
    return find(library, "eglGetProcAddress", get_proc_address) &&
           find(library, "eglGetDisplay", get_display) &&
           find(library, "eglInitialize", initialize) && find(library, "eglBindAPI", bind_api) &&
           find(library, "eglQueryAPI", query_api) &&
           find(library, "eglChooseConfig", choose_config) &&
           find(library, "eglCreateContext", create_context) &&
           find(library, "eglDestroyContext", destroy_context) &&
           find(library, "eglMakeCurrent", make_current) &&
           find(library, "eglGetCurrentContext", get_current_context) &&
           find(library, "eglGetCurrentDisplay", get_current_display) &&
           find(library, "eglGetCurrentSurface", get_current_surface);
  }
};

/// MUJOCO_EGL_DEVICE_ID, or -1.
int chosen_device(int count) {
  const char* text = std::getenv("MUJOCO_EGL_DEVICE_ID");
  if (text == nullptr || *text == '\0') {
    return -1;
  }
  int device = -1;
  const char* end = text + std::strlen(text);
  const auto parsed = std::from_chars(text, end, device);
  require(parsed.ec == std::errc() && parsed.ptr == end && device >= 0 && device < count,
          "MUJOCO_EGL_DEVICE_ID is \"", text, "\"; accepted: 0 to ", count - 1);
  return device;
}

/// The displays that a context may be made on, best first. They are the process's, shared with
/// other users of EGL, and so never terminated.
std::vector<EglObject> displays(const Egl& egl) {
  using QueryDevices = unsigned (*)(std::int32_t, EglObject*, std::int32_t*);
  using GetPlatformDisplay = EglObject (*)(unsigned, EglObject, const std::int32_t*);
  const auto query = reinterpret_cast<QueryDevices>(egl.get_proc_address("eglQueryDevicesEXT"));
  const auto get =
      reinterpret_cast<GetPlatformDisplay>(egl.get_proc_address("eglGetPlatformDisplayEXT"));
  std::vector<EglObject> found;
  std::array<EglObject, 64> devices{};
  std::int32_t count = 0;
  if (query != nullptr && get != nullptr &&
      query(static_cast<std::int32_t>(devices.size()), devices.data(), &count) != 0) {
    const int chosen = chosen_device(count);
    for (int i = 0; i < count; ++i) {
      if (chosen < 0 || chosen == i) {
        found.push_back(get(static_cast<unsigned>(Egl::kPlatformDevice),
                            devices[static_cast<std::size_t>(i)], nullptr));
      }
    }
  }
  found.push_back(egl.get_display(nullptr));
  return found;
}

class EglBackend final : public GlContext::Backend {
 public:
  /// Nothing when EGL is missing or has no context to give.
  static std::unique_ptr<GlContext::Backend> make() {
    void* library = open_library("libEGL.so.1");
    auto backend = std::make_unique<EglBackend>();
    if (library == nullptr || !backend->egl_.load(library)) {
      return nullptr;
    }
    for (EglObject display : displays(backend->egl_)) {
      if (display != nullptr && backend->create(display)) {
        return backend;
      }
    }
    return nullptr;
  }

  ~EglBackend() override {
    if (context_ != nullptr) {
      egl_.destroy_context(display_, context_);
    }
  }

  const char* name() const override { return "egl"; }

  bool enter() override {
    api_ = egl_.query_api();
    previous_ = egl_.get_current_context();
    previous_display_ = egl_.get_current_display();
    draw_ = egl_.get_current_surface(static_cast<std::int32_t>(Egl::kDraw));
    read_ = egl_.get_current_surface(static_cast<std::int32_t>(Egl::kRead));
    egl_.bind_api(Egl::kOpenGlApi);
    return egl_.make_current(display_, nullptr, nullptr, context_) != 0;
  }

  void leave() override {
    egl_.make_current(display_, nullptr, nullptr, nullptr);
    egl_.bind_api(api_);
    if (previous_ != nullptr) {
      egl_.make_current(previous_display_, draw_, read_, previous_);
    }
  }

 private:
  bool create(EglObject display) {
    constexpr std::int32_t kRed = 0x3024, kGreen = 0x3023, kBlue = 0x3022, kAlpha = 0x3021;
    constexpr std::int32_t kDepth = 0x3025, kStencil = 0x3026, kSurfaceType = 0x3033;
    constexpr std::int32_t kPbuffer = 1, kRenderable = 0x3040, kOpenGl = 8;
    constexpr std::array<std::int32_t, 17> kWanted = {
        kRed,     8, kGreen,       8,        kBlue,       8,       kAlpha,    8, kDepth, 24,
        kStencil, 8, kSurfaceType, kPbuffer, kRenderable, kOpenGl, Egl::kNone};
    EglObject config = nullptr;
    std::int32_t count = 0;
    const unsigned api = egl_.query_api();
    if (egl_.initialize(display, nullptr, nullptr) == 0 ||
        egl_.choose_config(display, kWanted.data(), &config, 1, &count) == 0 || count < 1 ||
        egl_.bind_api(Egl::kOpenGlApi) == 0) {
      return false;
    }
    display_ = display;
    context_ = egl_.create_context(display, config, nullptr, nullptr);
    egl_.bind_api(api);
    return context_ != nullptr;
  }

  Egl egl_{};
  EglObject display_ = nullptr, context_ = nullptr;
  EglObject previous_ = nullptr, previous_display_ = nullptr, draw_ = nullptr, read_ = nullptr;
  unsigned api_ = 0;
};

// ---- OSMesa

class OsMesaBackend final : public GlContext::Backend {
 public:
  static std::unique_ptr<GlContext::Backend> make(Index width, Index height) {
    constexpr unsigned kRgba = 0x1908;
    void* library = nullptr;
    for (const char* file : {"libOSMesa.so.8", "libOSMesa.so.6", "libOSMesa.so"}) {
      library = library == nullptr ? open_library(file) : library;
    }
    auto backend = std::make_unique<OsMesaBackend>();
    EglObject (*create)(unsigned, int, int, int, EglObject) = nullptr;
    if (library == nullptr || !find(library, "OSMesaCreateContextExt", create) ||
        !find(library, "OSMesaDestroyContext", backend->destroy_) ||
        !find(library, "OSMesaMakeCurrent", backend->make_current_) ||
        !find(library, "OSMesaGetCurrentContext", backend->get_current_)) {
      return nullptr;
    }
    backend->context_ = create(kRgba, 24, 8, 0, nullptr);
    backend->width_ = static_cast<int>(width);
    backend->height_ = static_cast<int>(height);
    backend->window_.resize(static_cast<std::size_t>(width * height * 4));
    return backend->context_ != nullptr ? std::move(backend) : nullptr;
  }

  ~OsMesaBackend() override {
    if (context_ != nullptr) {
      destroy_(context_);
    }
  }

  const char* name() const override { return "osmesa"; }

  bool enter() override {
    constexpr unsigned kUnsignedByte = 0x1401;
    return make_current_(context_, window_.data(), kUnsignedByte, width_, height_) != 0;
  }

  // A context of somebody else cannot be put back: its window is known to its owner alone.
  void leave() override { make_current_(nullptr, nullptr, 0, 0, 0); }

 private:
  void (*destroy_)(EglObject) = nullptr;
  unsigned char (*make_current_)(EglObject, void*, unsigned, int, int) = nullptr;
  EglObject (*get_current_)() = nullptr;
  EglObject context_ = nullptr;
  int width_ = 0, height_ = 0;
  std::vector<std::byte> window_;  // MuJoCo draws beside it, into a buffer of its own
};

}  // namespace

GlContext::GlContext(Index width, Index height) {
  const char* variable = std::getenv("MUJOCO_GL");
  const std::string choice = variable == nullptr ? "" : variable;
  require(choice.empty() || choice == "egl" || choice == "osmesa", "MUJOCO_GL is \"", choice,
          "\"; accepted here: egl, osmesa, or not set");
  if (choice != "osmesa") {
    backend_ = EglBackend::make();
  }
  if (backend_ == nullptr && choice != "egl") {
    backend_ = OsMesaBackend::make(width, height);
  }
  require(backend_ != nullptr, "pictures of MuJoCo need OpenGL, and ",
          choice.empty() ? "neither EGL nor OSMesa works" : choice + " does not work",
          " here; on Debian and Ubuntu: apt install ",
          choice == "osmesa" ? "libosmesa6" : "libegl1 libgl1-mesa-dri",
          choice.empty() ? " (or libosmesa6)" : "");
}

GlContext::~GlContext() = default;
GlContext::GlContext(GlContext&&) noexcept = default;
GlContext& GlContext::operator=(GlContext&&) noexcept = default;

const char* GlContext::name() const { return backend_->name(); }

GlContext::Current::Current(GlContext& context)
    : backend_(context.backend_.get()), ok_(backend_->enter()) {}

GlContext::Current::~Current() { backend_->leave(); }

}  // namespace palaestra::envs::mujoco
