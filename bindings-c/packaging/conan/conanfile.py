"""A Conan 2 recipe that builds libxiezhen from a checkout: conan create bindings-c/packaging/conan. It needs Rust."""

from pathlib import Path

from conan import ConanFile
from conan.tools.files import copy
from conan.tools.layout import basic_layout


class XiezhenConan(ConanFile):
    name = "xiezhen"
    description = "Client of an asynchronous AI portrait (写真) API: photos of a person in, portraits on disk"
    license = "MIT OR Apache-2.0"
    topics = ("portrait", "photo", "api-client")
    package_type = "library"
    settings = "os", "arch", "compiler", "build_type"
    options = {"shared": [True, False]}
    default_options = {"shared": True}

    def set_version(self):
        # The workspace has one version, for all languages.
        manifest = Path(self.recipe_folder, "../../../Cargo.toml").read_text(encoding="utf-8")
        workspace = manifest[manifest.index("[workspace.package]") :]
        self.version = workspace.partition('version = "')[2].partition('"')[0]

    def export_sources(self):
        repository = Path(self.recipe_folder, "../../..")
        for pattern in ("Cargo.*", "LICENSE-*", ".ci/*", "core/*", "bindings-*", "tests/*"):
            copy(self, pattern, repository, self.export_sources_folder, excludes=("*/target/*", "*/node_modules/*", "*/.venv/*"))

    def layout(self):
        basic_layout(self)

    def validate(self):
        if self.settings.os != "Linux":
            self.output.warning("libxiezhen is tested on Linux only")

    def package_id(self):
        # C sees no difference between compilers.
        del self.info.settings.compiler

    def build(self):
        release = self.settings.build_type != "Debug"
        self.run(f"cargo build --locked --package xiezhen-c{' --release' if release else ''}", cwd=self.source_folder)

    def package(self):
        profile = "debug" if self.settings.build_type == "Debug" else "release"
        self.run(
            f'make -C bindings-c install PROFILE={profile} DESTDIR="{self.package_folder}" PREFIX=/', cwd=self.source_folder
        )
        copy(self, "LICENSE-*", self.source_folder, Path(self.package_folder, "licenses"))
        unwanted = "libxiezhen.a" if self.options.shared else "libxiezhen.so*"
        for file in Path(self.package_folder, "lib").glob(unwanted):
            file.unlink()

    def package_info(self):
        self.cpp_info.libs = ["xiezhen"]
        self.cpp_info.set_property("cmake_file_name", "xiezhen")
        self.cpp_info.set_property("cmake_target_name", "xiezhen::xiezhen")
        self.cpp_info.set_property("pkg_config_name", "xiezhen")
        if not self.options.shared:
            self.cpp_info.system_libs = ["pthread", "dl", "m"]
