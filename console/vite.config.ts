import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vite";

// The build is part of the api: whoever installs it needs no Node.
export default defineConfig({
  base: "/ui/",
  plugins: [svelte()],
  worker: { format: "es" },
  build: { outDir: "../api/page", emptyOutDir: true, target: "es2023", assetsInlineLimit: 0, reportCompressedSize: false },
});
