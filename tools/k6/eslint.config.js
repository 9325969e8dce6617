import js from '@eslint/js';

export default [
  js.configs.recommended,
  {
    files: ['**/*.js'],
    languageOptions: {
      ecmaVersion: 2022,
      sourceType: 'module',
      // What k6 gives to every script beside the language itself.
      globals: { __ENV: 'readonly', open: 'readonly' },
    },
    rules: {
      eqeqeq: 'error',
      'no-unused-vars': ['error', { argsIgnorePattern: '^_' }],
      'no-var': 'error',
      'prefer-const': 'error',
      complexity: ['error', 10],
      'max-lines-per-function': ['error', 40],
    },
  },
];
