/* SPDX-License-Identifier: Apache-2.0 */
typedef int weir_empty_room;
