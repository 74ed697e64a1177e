# SPDX-License-Identifier: BSD-2-Clause
# bash completion for coffer(1)

_coffer() {
    local current=${COMP_WORDS[COMP_CWORD]} previous= verb= word
    local -i i
    ((COMP_CWORD > 0)) && previous=${COMP_WORDS[COMP_CWORD - 1]}
    COMPREPLY=()

    # What stands before: the verb is the first word that is neither an option nor its value.
    for ((i = 1; i < COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        case $word in
        --store | --key | --key-kind | --profile | --ta | --memory | --objects | --trace) i+=1 ;;
        -*) ;;
        *)
            verb=$word
            break
            ;;
        esac
    done

    case $previous in
    --store)
        mapfile -t COMPREPLY < <(compgen -d -- "$current")
        return
        ;;
    --key | --trace)
        mapfile -t COMPREPLY < <(compgen -f -- "$current")
        return
        ;;
    --key-kind)
        mapfile -t COMPREPLY < <(compgen -W "huk ssk" -- "$current")
        return
        ;;
    --profile)
        mapfile -t COMPREPLY < <(compgen -W "optee,huk-compat=no optee,hash-compat=no
            optee,huk-compat=no,hash-compat=no" -- "$current")
        return
        ;;
    --ta | --memory | --offset | --length | --nodes | --sizes | --objects | --costs | --within | --gp-profile) return ;;
    esac

    if [[ $current == -* ]]; then
        local options="--store --key --test-key --key-kind --profile --ta --memory --objects --trace --json -q --quiet
            --help --version"
        case $verb in
        put) options+=" --no-replace --append --offset" ;;
        get) options+=" --offset --length" ;;
        ls) options+=" -l --long -h --human --all" ;;
        stat) options+=" -h --human" ;;
        check) options+=" --repair --deep" ;;
        dump) options+=" --nodes" ;;
        stats) options+=" --plan --prometheus --storage" ;;
        memory) options+=" --demo" ;;
        ta) options+=" --gp-profile" ;;
        tune) options+=" --sizes --costs --within" ;;
        esac
        mapfile -t COMPREPLY < <(compgen -W "$options" -- "$current")
        return
    fi

    case $verb in
    "")
        mapfile -t COMPREPLY < <(compgen -W "init put get ls stat rm mv truncate check dump stats
            memory tune ta demo" -- "$current")
        ;;
    put | get | dump | tune | ta) mapfile -t COMPREPLY < <(compgen -f -- "$current") ;;
    esac
} && complete -o filenames -F _coffer coffer
