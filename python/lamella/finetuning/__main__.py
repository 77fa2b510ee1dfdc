# SPDX-License-Identifier: Apache-2.0
import sys

from lamella.finetuning import main

sys.exit(main())
