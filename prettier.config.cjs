// ./dev lint installs the plugin in .dev/, away from this file.
const {createRequire} = require("module");
const {resolve} = createRequire(`${__dirname}/.dev/node/`);

module.exports = {
    plugins: [resolve("@prettier/plugin-xml")],
    printWidth: 88,
    bracketSpacing: false,
    xmlWhitespaceSensitivity: "preserve",
};
